import type { Device, IoRegion, IrqLine } from '@pckit/interfaces';
export type PostCodeState = { readonly version: 1 };
export interface PostCodeWires {
  readonly observe?: (code: number) => void;
}
export interface PostCodeOptions {
  /** Default `post`. */
  readonly name?: string;

}
export declare class PostCode implements Device<PostCodeState> {
  readonly name: string;
  /** 80h */
  readonly regions: { readonly port: IoRegion };
  constructor(wires?: PostCodeWires, options?: PostCodeOptions);
  reset(kind: 'cold' | 'warm'): void;
  save(): PostCodeState;
  restore(state: PostCodeState): void;
}
