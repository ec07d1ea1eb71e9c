// What is said of an export that is not what the journal was, and of one that cannot be shown to be. Two closed sets: the first
// is tampering or damage, the second what nobody has proven.

/** Each with what it means; `docs/audit.md` has the table of what provokes it. */
export const TAMPERINGS = {
  malformed: 'a line is none of an export, or is not in its canonical spelling',
  misplaced: 'a line stands where none of its kind may',
  changed: 'a record is not the one that was linked there',
  missing: 'records are not there although later ones of their chain are',
  out_of_order: 'a record stands behind later ones of its chain',
  repeated: 'a record is there twice',
  forked: 'a chain has two histories',
  unknown_chain: 'a record is of a chain that the export does not open',
  truncated: 'records at the end or the beginning of a chain are not there',
  missing_chain: 'a chain is not there although a head names it',
  bad_signature: 'a signature is not by a key that was given, or not over this',
  heads_out_of_order: 'a head does not follow the head before it',
  missing_head: 'the expected head is not there',
  wrong_end: 'the end does not state what is before it',
} as const satisfies Readonly<Record<string, string>>;
export type TamperingCode = keyof typeof TAMPERINGS;

export interface Tampering {
  readonly code: TamperingCode;
  /** Which file: the export, or the heads of a witness. */
  readonly file: 'export' | 'witness';
  /** From 1. */
  readonly line: number;
  readonly chain?: string;
  readonly sequence?: number;
  /** A sentence. */
  readonly text: string;
}

export const GAPS = {
  no_end: 'nothing proves the end',
  unsigned_end: 'the end is not signed, and no witness names it',
  no_key: 'there are signatures, and no key was given to verify them with',
  unchained: 'records of no chain are not proven',
  unproven_records: 'records behind the last head that is known from elsewhere are not proven',
  unproven_beginning: 'the first records of a chain are not there, and nobody can tell whether retention took them',
  lost_heads: 'older heads are not there, though retention cannot have taken them',
  lost_chain: 'a chain that a head names is not there, and nobody can tell whether retention took it',
} as const satisfies Readonly<Record<string, string>>;
export type GapCode = keyof typeof GAPS;

export interface Gap {
  readonly code: GapCode;
  readonly chain?: string;
  /** A sentence. */
  readonly text: string;
}
