// The first policy: default deny, a list of rules, each a set of allowances. A request passes
// when one rule allows its namespace, service account and key type; the rule caps its lifetime.

/** An exact name, or a prefix followed by one trailing `*`. */
export type NamePattern = string;

export interface PolicyRule {
  readonly namespaces: readonly NamePattern[];
  readonly serviceAccounts: readonly NamePattern[];
  /** `ec-p256`, `ec-p384`, or `rsa` for RSA of any accepted size. */
  readonly keyTypes: readonly string[];
  readonly maxTtlMs: number;
}

export interface Policy {
  /** Hex SHA-256 of the policy's source, first 16 digits. */
  readonly revision: string;
  readonly rules: readonly PolicyRule[];
}
