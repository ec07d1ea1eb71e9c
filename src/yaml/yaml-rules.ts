// How a text is read, by what it is written for. Each reader of a kind of file has one of these; bounds are of one file.

export interface YamlRules {
  /** What the text is, for problems: `a policy`. */
  readonly kind: string;
  readonly maxBytes: number;
  /** Characters that no such text has; of bytes that are not UTF-8, U+FFFD is what was left when the file was read. */
  readonly notText: RegExp;
  /** Words, marks, spaces and line ends: what bounds the time and the memory that reading takes. */
  readonly maxLexemes: number;
  /** Mappings, lists and scalars. Absent, the growth by anchors bounds them (plain-data.ts). */
  readonly maxValues?: number;
  /** Mending some mends most of the rest. */
  readonly maxProblems: number;
  /**
   * How many documents the text may have, empty ones too; or `cut as Kubernetes does`: at lines of three dashes, whatever
   * stands there to YAML, one document each, and those with nothing in them do not count.
   */
  readonly documents: number | 'cut as Kubernetes does';
  /**
   * `written out` wherever they are used, within bounds, and merge keys with them, as Kubernetes does. `unused`: they may
   * stand, and nothing may use them. `none`: the text means what it shows where it stands, without any, and without tags.
   */
  readonly anchors: 'written out' | 'unused' | 'none';
  /**
   * What is neither in quotes nor tagged is what Kubernetes takes it for; `unambiguous` refuses what YAML 1.2 would read
   * differently (src/domain/cluster/kubernetes-scalar.ts).
   */
  readonly scalars: 'as Kubernetes' | 'unambiguous';
  /** Documents in which nothing else is wrong than ambiguous scalars are given too, so that all is reported at once. */
  readonly keepAmbiguous?: boolean;
}

/** Manifests, as `kubectl apply` reads them (sigs.k8s.io/yaml). */
export const AS_KUBERNETES: YamlRules = {
  kind: 'a manifest',
  // Release manifests of whole platforms have one to four megabytes.
  maxBytes: 16 * 1024 * 1024,
  // Control characters, which YAML has none of (section 5.1).
  notText: /(?![\t\n\r\u0085])[\p{Cc}\uFFFD]/u,
  // What 16 MiB of dense manifests have.
  maxLexemes: 4_000_000,
  maxProblems: 20,
  documents: 'cut as Kubernetes does',
  anchors: 'written out',
  scalars: 'as Kubernetes',
};

/** What is written for Capstan and may contain manifests: policy tests, tables of kinds. */
export const BESIDE_MANIFESTS: YamlRules = { ...AS_KUBERNETES, scalars: 'unambiguous' };
