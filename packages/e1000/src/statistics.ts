import { STATISTICS, STATISTICS_END } from './registers.js';

// Statistics registers: manual, 13.7. All are cleared when read and stick at their greatest value; of the 64-bit pairs reading the upper half
// clears both.

const MPC = 0x4010;
const PRC64 = 0x405c;
const GPRC = 0x4074;
const BPRC = 0x4078;
const MPRC = 0x407c;
const GPTC = 0x4080;
const GORCL = 0x4088;
const GOTCL = 0x4090;
const RNBC = 0x40a0;
const ROC = 0x40ac;
const TORL = 0x40c0;
const TOTL = 0x40c8;
const TPR = 0x40d0;
const TPT = 0x40d4;
const PTC64 = 0x40d8;
const MPTC = 0x40f0;
const BPTC = 0x40f4;
const TSCTC = 0x40f8;
const OCTET_COUNTERS: readonly number[] = [GORCL, GOTCL, TORL, TOTL];
/** Upper limits of the first five size classes; what is longer is in the sixth. */
const SIZE_CLASSES: readonly number[] = [64, 127, 255, 511, 1023];
const FCS = 4;

export class Statistics {
  readonly #counters = new Uint32Array((STATISTICS_END - STATISTICS) / 4);

  clear(): void {
    this.#counters.fill(0);
  }

  read(register: number): number {
    const index = (register - STATISTICS) >>> 2;
    const value = this.#counters[index]!;
    if (OCTET_COUNTERS.includes(register)) return value;
    this.#counters[index] = 0;
    if (OCTET_COUNTERS.includes(register - 4)) this.#counters[index - 1] = 0;
    return value;
  }

  /** A frame that passed the filters. @param length without FCS, as long as it was on the wire */
  received(frame: Uint8Array, length: number): void {
    this.#count(GPRC);
    this.#count(TPR);
    this.#countKind(frame, BPRC, MPRC);
    this.#countSize(PRC64, length);
    this.#countOctets(GORCL, length + FCS);
    this.#countOctets(TORL, length + FCS);
  }

  transmitted(frame: Uint8Array): void {
    this.#count(GPTC);
    this.#count(TPT);
    this.#countKind(frame, BPTC, MPTC);
    this.#countSize(PTC64, frame.length);
    this.#countOctets(GOTCL, frame.length + FCS);
    this.#countOctets(TOTL, frame.length + FCS);
  }

  /** A frame's segmentation was offloaded. */
  segmented(): void {
    this.#count(TSCTC);
  }

  missed(): void {
    this.#count(MPC);
  }

  oversized(): void {
    this.#count(ROC);
  }

  noBuffers(): void {
    this.#count(RNBC);
  }

  save(): readonly number[] {
    return [...this.#counters];
  }

  restore(state: readonly number[]): void {
    this.#counters.set(state);
  }

  #count(register: number): void {
    const index = (register - STATISTICS) >>> 2;
    const value = this.#counters[index]!;
    if (value !== 0xffff_ffff) this.#counters[index] = value + 1;
  }

  #countKind(frame: Uint8Array, broadcast: number, multicast: number): void {
    if ((frame[0]! & 1) === 0) return;
    for (let i = 0; i < 6; i++) {
      if (frame[i] !== 0xff) {
        this.#count(multicast);
        return;
      }
    }
    this.#count(broadcast);
  }

  #countSize(first: number, length: number): void {
    let size = 0;
    while (size < SIZE_CLASSES.length && length + FCS > SIZE_CLASSES[size]!) size++;
    this.#count(first + 4 * size);
  }

  #countOctets(low: number, octets: number): void {
    const index = (low - STATISTICS) >>> 2;
    const sum = this.#counters[index]! + octets;
    if (sum <= 0xffff_ffff) {
      this.#counters[index] = sum;
    } else if (this.#counters[index + 1] === 0xffff_ffff) {
      this.#counters[index] = 0xffff_ffff;
    } else {
      this.#counters[index] = sum - 0x1_0000_0000;
      this.#counters[index + 1]!++;
    }
  }
}
