import { mnemonicName, type Mnemonic } from '@pckit/x86-decoder';

/** The mnemonic in lower case, as manuals for programmers write it. */
export const lowerName = (mnemonic: Mnemonic): string => mnemonicName(mnemonic).toLowerCase();
