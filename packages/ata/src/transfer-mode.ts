/** The transfer mode that SET FEATURES selects: ATA8-ACS section 7.47.7, table 56. The timing means nothing here, the report does. */
export class TransferMode {
  multiwordDma = -1;
  ultraDma = -1;

  /** @param maxUltraDma the fastest mode that the device claims */
  constructor(private readonly maxUltraDma: number) {
    this.reset();
  }

  reset(): void {
    this.multiwordDma = -1;
    this.ultraDma = this.maxUltraDma;
  }

  /** @param value the count register. @returns false for a mode that the device hasn't */
  select(value: number): boolean {
    const mode = value & 7;
    switch (value >>> 3) {
      case 0:
        return mode <= 1;
      case 1:
        return mode <= 4;
      case 4:
        if (mode > 2) return false;
        this.multiwordDma = mode;
        this.ultraDma = -1;
        return true;
      case 8:
        if (mode > this.maxUltraDma) return false;
        this.ultraDma = mode;
        this.multiwordDma = -1;
        return true;
      default:
        return false;
    }
  }
}
