// Administration of SDS: which proxies rejected what they were sent, and hold on to what they have since. It names
// workloads and machines, so it is never on the HTTP port.
import type { RejectionFacts } from '../../../ports/platform/events.ts';
import { demandRole, type AdministrationPart } from './administration.ts';

export interface SdsStatus {
  /** Open at this moment. */
  readonly streams: number;
  /** Quarantined: the proxy has accepted nothing of the kind since. */
  readonly rejections: readonly (RejectionFacts & {
    readonly rejectedAtMs: number;
    /** Whether the proxy has a stream open. */
    readonly connected: boolean;
  })[];
}

export const SDS_STATUS = '/sds/status';

export interface SdsStatusParts {
  readonly status: () => SdsStatus | Promise<SdsStatus>;
}

export function administerSds({ status }: SdsStatusParts): AdministrationPart {
  return (routes) => void routes.get(SDS_STATUS, demandRole('viewer'), async (c) => c.json(await status()));
}
