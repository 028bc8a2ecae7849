/** A register as target descriptions and LLDB have it. */
export interface RegisterDescription {
  readonly name: string;
  readonly bits: number;
  /** A type of GDB's or of the feature's: `int64`, `code_ptr`, `data_ptr`, `i387_ext`, ... */
  readonly type: string;
  /** Name of the feature that it belongs to, as in target descriptions. */
  readonly feature: string;
  /** `general`, `float`, `vector`, `system` ... */
  readonly group?: string;
  readonly generic?: 'pc' | 'sp' | 'fp' | 'flags' | 'arg1' | 'arg2' | 'arg3' | 'arg4' | 'arg5' | 'arg6';
  /** Number in debug information. */
  readonly dwarf?: number;
}

/** What a debugger is told about the processor. */
export interface Architecture {
  /** GDB's name for it, for example `i386:x86-64`. */
  readonly name: string;
  /** LLDB's. */
  readonly triple: string;
  readonly littleEndian: boolean;
  readonly pointerBytes: number;
  /** Registers in the order of the `g` packet; those of one feature stand together. */
  readonly registers: readonly RegisterDescription[];
  /** XML of the types that a feature's registers use, by feature. */
  readonly types?: Readonly<Record<string, string>>;
  /** Registers that every stop reply carries, so that the debugger need not ask. */
  readonly expedited?: readonly number[];
}

/** The target description. GDB manual, appendix G "Target Descriptions". */
export function targetXml(architecture: Architecture): string {
  const { name, registers, types = {} } = architecture;
  let xml = `<?xml version="1.0"?>\n<!DOCTYPE target SYSTEM "gdb-target.dtd">\n<target version="1.0">\n<architecture>${name}</architecture>\n`;
  let feature: string | undefined;
  registers.forEach((register, number) => {
    if (register.feature !== feature) {
      if (feature !== undefined) xml += '</feature>\n';
      feature = register.feature;
      xml += `<feature name="${feature}">\n${types[feature] ?? ''}`;
    }
    const group = register.group === undefined ? '' : ` group="${register.group}"`;
    xml += `<reg name="${register.name}" bitsize="${register.bits}" type="${register.type}" regnum="${number}"${group}/>\n`;
  });
  return `${xml}</feature>\n</target>\n`;
}

export function registerBytes({ bits }: RegisterDescription): number {
  return Math.ceil(bits / 8);
}
