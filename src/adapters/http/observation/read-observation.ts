// The pages of a running server, read by a command: what it says of its health, and what time it is there.
import type { PolicyInForce } from './routes.ts';

/** A part as `/readyz` names it. */
export interface ReportedPart {
  readonly part: string;
  readonly why: string;
}

export interface Observation {
  readonly unready: readonly ReportedPart[];
  readonly degraded: readonly ReportedPart[];
  /** It takes us for a stranger, and names no parts: what is above is nothing that it said. */
  readonly closed?: true;
  /** Of the server when it answered, to the second. */
  readonly dateMs?: number;
  readonly policy?: PolicyInForce;
  /** In the Prometheus text format. */
  readonly metrics?: string;
}

const WITHIN_MS = 5_000;
/** Of one page. */
const MAX_CHARACTERS = 8 * 1024 * 1024;

/** @param base such as `http://127.0.0.1:15014`. @throws what `fetch` throws, when nothing answers. */
export async function readObservation(
  base: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<Observation> {
  const ask = async (path: string): Promise<Response> =>
    fetch(new URL(path, base), { signal: AbortSignal.any([signal, AbortSignal.timeout(WITHIN_MS)]) });
  const ready = await ask('/readyz');
  const dateMs = Date.parse(ready.headers.get('date') ?? '');
  const said = jsonOf(await textOf(ready)) as { unready?: ReportedPart[]; degraded?: ReportedPart[] } | undefined;
  const [policy, metrics] = [await ask('/policy'), await ask('/metrics')];
  const inForce = policy.ok ? (jsonOf(await textOf(policy)) as PolicyInForce | undefined) : undefined;
  return {
    unready: said?.unready ?? [],
    degraded: said?.degraded ?? [],
    ...([401, 403].includes(policy.status) && { closed: true }),
    ...(!Number.isNaN(dateMs) && { dateMs }),
    ...(inForce !== undefined && { policy: inForce }),
    ...(metrics.ok && { metrics: await textOf(metrics) }),
  };
}

async function textOf(answer: Response): Promise<string> {
  return (await answer.text()).slice(0, MAX_CHARACTERS);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not a server of ours; its pages say nothing.
    return undefined;
  }
}
