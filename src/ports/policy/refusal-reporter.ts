// Where the owners of workloads are told of refusals.

export interface InvolvedObject {
  readonly kind: 'ServiceAccount' | 'Pod';
  readonly namespace: string;
  readonly name: string;
  /** As the cluster has it; absent where it is not known. */
  readonly uid?: string;
}

export interface ReportedRefusal {
  /** What it is told of. */
  readonly involved: InvolvedObject;
  /** Our reason code, or a word where nothing was refused. */
  readonly reason: string;
  readonly message: string;
}

export interface RefusalReporter {
  /**
   * Answers at once and never throws: to tell is a courtesy, and what there is no room for is dropped and counted.
   * @param count of refusals of this kind, of which this is the last.
   */
  report(refusal: ReportedRefusal, count: number): void;
}

/** @returns one key for refusals of which the last is told. An account that was made anew is told of as before it. */
export function refusalKey({ involved: { kind, namespace, name, uid = '' }, reason }: ReportedRefusal): string {
  return JSON.stringify([kind, namespace, name, kind === 'Pod' ? uid : '', reason]);
}
