// What a soak is: something that runs for minutes against a real server, and bounds that it must keep.

export interface SoakOptions {
  readonly seconds: number;
  readonly say: (line: string) => void;
  /** The revision of the source that an upgrade begins with. */
  readonly from?: string;
  /** Of an inventory, in entries. */
  readonly sizes?: { readonly ended: number; readonly live: number };
}

/** One measured number beside its bound; `bound` absent: for the reader alone. */
export interface Measured {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly bound?: number;
}

export interface Soak {
  readonly name: string;
  /** As long as the promise that it shows. */
  readonly seconds: number;
  readonly run: (options: SoakOptions) => Promise<readonly Measured[]>;
}

export function broken({ value, bound }: Measured): boolean {
  return bound !== undefined && value > bound;
}
