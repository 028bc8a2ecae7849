export declare class Ps2Mouse {
  /** Relative motion, y upwards; `buttons`: bit 0 left, 1 right, 2 middle. */
  move(dx: number, dy: number, dz: number, buttons: number): void;
}
