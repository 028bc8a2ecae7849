import { decodeMemory, OUT_OF_BYTES } from './decode-memory.js';
import { decodeEncodedOperand } from './decode-encoded.js';
import {
  DecodeError,
  MAX_INSTRUCTION_LENGTH,
  MAX_OPERANDS,
  OperandKind,
  Prefix,
  type Instruction,
  type Mode,
} from './instruction.js';
import { Mnemonic } from './mnemonic.js';
import {
  encodedKinds,
  Method,
  SIZE_ADDRESS_SHIFT,
  SIZE_L_SHIFT,
  SIZE_MODE64_SHIFT,
  SIZE_STATE_BITS,
  SIZE_W_SHIFT,
} from './operands.js';
import { Register, registerSize } from './register.js';
import { Dimension, Sizing } from './dimensions.js';
import {
  FORM_COUNT_MASK,
  FORM_COUNT_SHIFT,
  FORM_LOCKABLE,
  FORM_MANDATORY,
  FORM_MEMORY,
  FORM_NEAR_BRANCH,
  FORM_NO66,
  FORM_SIZING_MASK,
  FORM_UNIQUE,
  FORM_VSIB,
  FORM_VVVV,
  OPERAND_METHOD_SHIFT,
  ROOT_MODE64,
  ROOT_VEX,
} from './layout.js';
import { sizes, tables } from './tables.js';

// One function on flat typed arrays: it is called for every instruction that is translated, and V8 keeps all of its
// state in
// registers as long as nothing is captured or allocated.

const { roots, nodes, modrm: modrmTable, formMnemonic, formBits, formOperands } = tables;

// Prefix classes; 0 is an opcode.
const CLASS_SEGMENT = 1;
const CLASS_66 = 2;
const CLASS_67 = 3;
const CLASS_LOCK = 4;
const CLASS_REPNE = 5;
const CLASS_REP = 6;
const CLASS_REX = 7;

function makePrefixClasses(mode64: boolean): Uint8Array {
  const classes = new Uint8Array(256);
  for (const segment of [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65]) classes[segment] = CLASS_SEGMENT;
  classes[0x66] = CLASS_66;
  classes[0x67] = CLASS_67;
  classes[0xf0] = CLASS_LOCK;
  classes[0xf2] = CLASS_REPNE;
  classes[0xf3] = CLASS_REP;
  if (mode64) classes.fill(CLASS_REX, 0x40, 0x50);
  return classes;
}
const prefixClassesLegacy = makePrefixClasses(false);
const prefixClasses64 = makePrefixClasses(true);

// Register 0 of the class of general registers of a size in bytes.
const AX_OF_SIZE = Uint8Array.of(0, Register.AL, Register.AX, 0, Register.EAX, 0, 0, 0, Register.RAX);

const fixedSizes = Uint8Array.from({ length: 256 }, (_, register) => registerSize(register));

function fail(into: Instruction, mode: Mode, error: number): number {
  into.length = 0;
  into.mode = mode;
  into.error = error;
  into.mnemonic = 0;
  into.form = 0;
  into.operandCount = 0;
  into.operandKind.fill(OperandKind.None);
  return 0;
}

/** A byte register: without REX, 4..7 are AH, CH, DH, BH. */
function byteRegister(number: number, rex: number): number {
  return number >= 4 && number < 8 && rex === 0 ? Register.AH + number - 4 : Register.AL + number;
}

/** XACQUIRE and XRELEASE: with LOCK, with XCHG, and XRELEASE with a plain store (SDM vol. 1, 16.3.4). */
function elision(opcode: number, root: number, mnemonic: number, prefixes: number): number {
  const oneByte = (root & (ROOT_VEX | 0x300)) === 0;
  const exchange = oneByte && (opcode & 0xfe) === 0x86;
  const store = oneByte && ((opcode & 0xfe) === 0x88 || (opcode & 0xfe) === 0xc6);
  // CMPXCHG16B can't be elided.
  const locked = (prefixes & Prefix.Lock) !== 0 && mnemonic !== Mnemonic.Cmpxchg16b;
  if ((prefixes & Prefix.Repne) !== 0) return locked || exchange ? Prefix.Xacquire : 0;
  return locked || exchange || store ? Prefix.Xrelease : 0;
}

/**
 * Decodes one instruction from `bytes[offset..end)` into `into` and returns its length, or 0 with `into.error` set.
 * Allocates nothing. `Truncated` means that more bytes are needed: the caller fetches the next page and decodes again.
 */
export function decode(bytes: Uint8Array, offset: number, end: number, mode: Mode, into: Instruction): number {
  const tooLong = end - offset >= MAX_INSTRUCTION_LENGTH;
  const limit = tooLong ? offset + MAX_INSTRUCTION_LENGTH : end;
  const outOfBytes = tooLong ? DecodeError.TooLong : DecodeError.Truncated;
  const mode64 = mode === 64;
  const classes = mode64 ? prefixClasses64 : prefixClassesLegacy;

  // Prefixes: the last of a group wins, and a REX counts only right before the opcode.
  let pos = offset;
  let prefixes = 0;
  let rex = 0;
  let lastSegment = 0;
  let operandSizePrefixes = 0;
  let segmentOverride = 0;
  let byte = 0;
  for (;;) {
    if (pos >= limit) return fail(into, mode, outOfBytes);
    byte = bytes[pos++]!;
    const kind = classes[byte]!;
    if (kind === 0) break;
    if (kind === CLASS_REX) {
      rex = byte;
      continue;
    }
    rex = 0;
    switch (kind) {
      case CLASS_SEGMENT:
        lastSegment = byte >= 0x64 ? Register.FS + byte - 0x64 : Register.ES + ((byte >> 3) & 3);
        // ES, CS, SS and DS overrides are ignored in 64-bit mode, also after one of FS or GS.
        if (!mode64 || byte >= 0x64) segmentOverride = lastSegment;
        break;
      case CLASS_66:
        prefixes |= Prefix.OperandSize;
        operandSizePrefixes++;
        break;
      case CLASS_67:
        prefixes |= Prefix.AddressSize;
        break;
      case CLASS_LOCK:
        prefixes |= Prefix.Lock;
        break;
      case CLASS_REPNE:
        prefixes = (prefixes & ~Prefix.Rep) | Prefix.Repne;
        break;
      default:
        prefixes = (prefixes & ~Prefix.Repne) | Prefix.Rep;
        break;
    }
  }

  let root = mode64 ? ROOT_MODE64 : 0;
  let prefixIndex =
    (prefixes & (Prefix.Rep | Prefix.Repne)) !== 0
      ? (prefixes & Prefix.Rep) !== 0
        ? 2
        : 3
      : (prefixes & Prefix.OperandSize) !== 0
      ? 1
      : 0;
  let w = (rex >> 3) & 1;
  let rexR = (rex & 4) << 1;
  let rexX = (rex & 2) << 2;
  let rexB = (rex & 1) << 3;
  let vectorLength = 0;
  let vvvv = 0;
  let vvvvBits = 0;
  if (rex !== 0) prefixes |= Prefix.Rex;

  if (byte === 0x0f) {
    if (pos >= limit) return fail(into, mode, outOfBytes);
    byte = bytes[pos++]!;
    root |= 0x100;
    if (byte === 0x38 || byte === 0x3a) {
      root += byte === 0x38 ? 0x100 : 0x200;
      if (pos >= limit) return fail(into, mode, outOfBytes);
      byte = bytes[pos++]!;
    }
  } else if ((byte & 0xfe) === 0xc4) {
    if (pos >= limit) return fail(into, mode, outOfBytes);
    let payload = bytes[pos]!;
    // Outside 64-bit mode a VEX prefix is LDS or LES with a ModRM byte that would be invalid.
    if (mode64 || payload >= 0xc0) {
      if ((prefixes & (Prefix.OperandSize | Prefix.Lock | Prefix.Rep | Prefix.Repne | Prefix.Rex)) !== 0) {
        return fail(into, mode, DecodeError.InvalidOpcode);
      }
      prefixes |= Prefix.Vex;
      root |= ROOT_VEX;
      pos++;
      rex = 0x40;
      rexR = (~payload & 0x80) >> 4;
      if (byte === 0xc5) {
        root |= 0x100;
      } else {
        const map = payload & 0x1f;
        if (map < 1 || map > 3) return fail(into, mode, DecodeError.InvalidOpcode);
        root |= map << 8;
        rexX = (~payload & 0x40) >> 3;
        rexB = (~payload & 0x20) >> 2;
        if (pos >= limit) return fail(into, mode, outOfBytes);
        payload = bytes[pos++]!;
        w = payload >> 7;
      }
      vvvv = vvvvBits = (~payload >> 3) & 15;
      vectorLength = (payload >> 2) & 1;
      prefixIndex = payload & 3;
      if (!mode64) {
        // Bits that would reach registers 8 to 15 are ignored, but an unused vvvv must be 1111 here too. (R and X can't
        // be clear: the bytes would be LDS or LES.)
        vvvv &= 7;
        rexR = rexX = rexB = 0;
      }
      if (vectorLength !== 0) prefixes |= Prefix.VexL;
      if (pos >= limit) return fail(into, mode, outOfBytes);
      byte = bytes[pos++]!;
    }
  }
  if (w !== 0) prefixes |= Prefix.W;
  root |= byte;

  const has66 = (prefixes & Prefix.OperandSize) !== 0;
  const sizeIndex = mode64 ? (w !== 0 ? 2 : has66 ? 0 : 1) : (mode === 32) !== has66 ? 1 : 0;
  const has67 = (prefixes & Prefix.AddressSize) !== 0;
  const addressIndex = mode64 ? (has67 ? 1 : 2) : (mode === 32) !== has67 ? 1 : 0;

  let entry = roots[root]!;
  if (entry === 0) return fail(into, mode, DecodeError.InvalidOpcode);
  let modrm = -1;
  if (modrmTable[root] !== 0) {
    if (pos >= limit) return fail(into, mode, outOfBytes);
    modrm = bytes[pos++]!;
  }
  while (entry < 0) {
    const node = ~entry;
    let value = 0;
    switch (nodes[node]) {
      case Dimension.Mod:
        value = modrm >= 0xc0 ? 1 : 0;
        break;
      case Dimension.Reg:
        value = (modrm >> 3) & 7;
        break;
      case Dimension.Rm:
        value = modrm & 7;
        break;
      case Dimension.Prefix:
        value = prefixIndex;
        break;
      case Dimension.OperandSize:
        value = sizeIndex;
        break;
      case Dimension.AddressSize:
        value = addressIndex;
        break;
      case Dimension.W:
        value = w;
        break;
      case Dimension.L:
        value = vectorLength;
        break;
      default:
        value = rexB !== 0 ? 1 : 0;
        break;
    }
    entry = nodes[node + 1 + value]!;
  }
  if (entry === 0) return fail(into, mode, DecodeError.InvalidOpcode);
  const form = entry;
  const bits = formBits[form]!;
  const isMemory = (bits & FORM_MEMORY) !== 0 && modrm < 0xc0;

  if ((prefixes & Prefix.Lock) !== 0 && ((bits & FORM_LOCKABLE) === 0 || !isMemory)) {
    return fail(into, mode, DecodeError.InvalidOpcode);
  }
  if (vvvvBits !== 0 && (bits & FORM_VVVV) === 0) return fail(into, mode, DecodeError.InvalidOpcode);

  if (has66 && (bits & FORM_NO66) !== 0) return fail(into, mode, DecodeError.InvalidOpcode);

  let operandIndex = sizeIndex;
  switch (bits & FORM_SIZING_MASK) {
    case Sizing.Normal:
      break;
    case Sizing.Default64:
      if (mode64 && operandIndex === 1) operandIndex = 2;
      break;
    case Sizing.Force64:
      if (mode64) operandIndex = 2;
      break;
    case Sizing.Mandatory66:
      operandIndex = mode64 ? 1 + w : mode === 32 ? 1 : 0;
      break;
    default:
      operandIndex = mode64 ? 1 + w : 1;
      break;
  }
  const effectiveW = mode64 ? w : 0;
  const sizeState =
    operandIndex |
    (effectiveW << SIZE_W_SHIFT) |
    (vectorLength << SIZE_L_SHIFT) |
    (addressIndex << SIZE_ADDRESS_SHIFT) |
    (mode64 ? 1 << SIZE_MODE64_SHIFT : 0);

  // The memory operand's bytes come before every immediate.
  into.segment = Register.DS;
  if (isMemory) {
    pos = decodeMemory(bytes, pos, limit, modrm, rexX, rexB, addressIndex, mode64, (bits & FORM_VSIB) !== 0, into);
    if (pos < 0) return fail(into, mode, pos === OUT_OF_BYTES ? outOfBytes : DecodeError.InvalidOpcode);
  }

  const count = (bits & FORM_COUNT_MASK) >> FORM_COUNT_SHIFT;
  const { operandKind, operandSizes, operandRegister } = into;
  for (let i = 0; i < count; i++) {
    const code = formOperands[form * MAX_OPERANDS + i]!;
    let size = sizes[((code & 0xff00) >> (8 - SIZE_STATE_BITS)) | sizeState]!;
    let kind: number = OperandKind.Register;
    let register = 0;
    const method = (code >> OPERAND_METHOD_SHIFT) & 0xff;
    switch (method) {
      case Method.RmGeneral:
        if (isMemory) {
          kind = OperandKind.Memory;
          size = sizes[((code & 0xff) << SIZE_STATE_BITS) | sizeState]!;
        } else {
          const number = (modrm & 7) | rexB;
          register = size === 1 ? byteRegister(number, rex) : AX_OF_SIZE[size]! + number;
        }
        break;
      case Method.RegGeneral: {
        const number = ((modrm >> 3) & 7) | rexR;
        register = size === 1 ? byteRegister(number, rex) : AX_OF_SIZE[size]! + number;
        break;
      }
      case Method.OpcodeGeneral: {
        const number = (byte & 7) | rexB;
        register = size === 1 ? byteRegister(number, rex) : AX_OF_SIZE[size]! + number;
        break;
      }
      case Method.VexGeneral:
        register = AX_OF_SIZE[size]! + vvvv;
        break;
      case Method.RmVector:
        if (isMemory) {
          kind = OperandKind.Memory;
          size = sizes[((code & 0xff) << SIZE_STATE_BITS) | sizeState]!;
        } else register = (size === 32 ? Register.YMM0 : Register.XMM0) + ((modrm & 7) | rexB);
        break;
      case Method.RegVector:
        register = (size === 32 ? Register.YMM0 : Register.XMM0) + (((modrm >> 3) & 7) | rexR);
        break;
      case Method.VexVector:
        register = (size === 32 ? Register.YMM0 : Register.XMM0) + vvvv;
        break;
      case Method.Is4Vector:
        if (pos >= limit) return fail(into, mode, outOfBytes);
        register = (size === 32 ? Register.YMM0 : Register.XMM0) + ((bytes[pos++]! >> 4) & (mode64 ? 15 : 7));
        break;
      case Method.RmMmx:
        if (isMemory) {
          kind = OperandKind.Memory;
          size = sizes[((code & 0xff) << SIZE_STATE_BITS) | sizeState]!;
        } else register = Register.MM0 + (modrm & 7);
        break;
      case Method.RegMmx:
        register = Register.MM0 + ((modrm >> 3) & 7);
        break;
      case Method.RegSegmentWritten:
      case Method.RegSegment: {
        const number = (modrm >> 3) & 7;
        if (number > 5 || (number === 1 && method === Method.RegSegmentWritten)) {
          return fail(into, mode, DecodeError.InvalidOpcode);
        }
        register = Register.ES + number;
        break;
      }
      case Method.RegControl: {
        const number = ((modrm >> 3) & 7) | rexR;
        // CR0, CR2, CR3, CR4, CR8
        if (((0x11d >> number) & 1) === 0) return fail(into, mode, DecodeError.InvalidOpcode);
        register = Register.CR0 + number;
        break;
      }
      case Method.RegDebug:
        if (rexR !== 0) return fail(into, mode, DecodeError.InvalidOpcode);
        register = Register.DR0 + ((modrm >> 3) & 7);
        break;
      case Method.RmForcedGeneral:
        register = AX_OF_SIZE[size]! + ((modrm & 7) | rexB);
        break;
      case Method.RmSt:
        register = Register.ST0 + (modrm & 7);
        break;
      case Method.Fixed:
        register = (code >> 8) & 0xff;
        size = fixedSizes[register]!;
        break;
      case Method.FixedGeneral:
        register = AX_OF_SIZE[size]!;
        break;
      case Method.Vsib:
        kind = OperandKind.Memory;
        into.index += size === 32 ? Register.YMM0 : Register.XMM0;
        size = sizes[((code & 0xff) << SIZE_STATE_BITS) | sizeState]!;
        break;
      default:
        // What has bytes of its own, or none and no register: see there.
        kind = encodedKinds[method]!;
        pos = decodeEncodedOperand(method, bytes, pos, limit, size, addressIndex, into);
        if (pos < 0) return fail(into, mode, outOfBytes);
        size = sizes[((code & 0xff) << SIZE_STATE_BITS) | sizeState]!;
        break;
    }
    operandKind[i] = kind;
    operandSizes[i] = size;
    operandRegister[i] = register;
  }
  for (let i = count; i < MAX_OPERANDS; i++) operandKind[i] = OperandKind.None;

  // Gathers: destination, index and mask must be three different registers.
  if ((bits & FORM_UNIQUE) !== 0) {
    const destination = operandRegister[0]! & 15;
    const index = into.index & 15;
    if (destination === index || destination === vvvv || index === vvvv)
      return fail(into, mode, DecodeError.InvalidOpcode);
  }

  if ((bits & FORM_MANDATORY) !== 0) prefixes |= Prefix.Mandatory;
  if ((bits & FORM_NEAR_BRANCH) !== 0) {
    if ((prefixes & Prefix.Repne) !== 0) prefixes |= Prefix.Bnd;
    if (lastSegment === Register.DS && modrm >= 0) prefixes |= Prefix.Notrack;
  }
  if (isMemory && (prefixes & (Prefix.Rep | Prefix.Repne)) !== 0)
    prefixes |= elision(byte, root, formMnemonic[form]!, prefixes);
  if (segmentOverride !== 0) {
    into.segment = segmentOverride;
    prefixes |= Prefix.Segment;
  }
  into.length = pos - offset;
  into.mode = mode;
  into.error = DecodeError.None;
  into.mnemonic = formMnemonic[form]! as Instruction['mnemonic'];
  into.form = form;
  into.operandSize = 2 << operandIndex;
  into.addressSize = 2 << addressIndex;
  into.prefixes = prefixes;
  into.operandCount = count;
  into.segmentOverridden = segmentOverride !== 0;
  into.segmentPrefix = lastSegment;
  into.operandSizePrefixes = operandSizePrefixes;
  into.opcode = byte;
  into.modrm = modrm;
  return into.length;
}
