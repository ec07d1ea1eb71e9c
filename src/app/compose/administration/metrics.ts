// Where scrapers elsewhere read the pages about the server, by a token or a client certificate. Of several processes each listens
// and hands what is asked to the supervisor, which speaks for all.
import { watchedFiles } from '../../../adapters/files/watched-files.ts';
import { certifiedOperator, type RoleNames } from '../../../adapters/http/admin/certified-operator.ts';
import { BearerTokens } from '../../../adapters/http/observation/bearer-tokens.ts';
import {
  MetricsListener,
  type MetricsListenerParts,
  type ObservationAnswer,
} from '../../../adapters/http/observation/metrics-listener.ts';
import type { Json } from '../../../adapters/processes/link.ts';
import type { Config } from '../../../config/schema.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import { degradedBy } from '../../../ports/platform/health.ts';
import { SUPERVISOR_ANSWERS_WITHIN_MS } from '../../operators-wait.ts';
import { OBSERVATION_TOPIC } from '../../worker/topics.ts';
import type { WorkerPlace } from '../../worker-place.ts';
import type { Foundation } from '../foundation.ts';
import type { Administration } from './administration.ts';
import { followClientCa } from './client-ca.ts';

const PART = 'metrics listener';

/** @returns the listener, in which nobody comes before it has a serving certificate; nothing where none is configured. */
export function composeMetricsListener(
  { listen: { metrics, administration: operators } }: Config,
  foundation: Foundation,
  administration: Administration | undefined,
): MetricsListener | undefined {
  const { address, tokenFile, readers } = metrics;
  const { clientCaFile, roles } = operators;
  const { events, startUp, untilFlushed, running: signal, worker } = foundation;
  const answer = answerOf(administration, worker, signal);
  if (address === undefined || answer === undefined) return undefined;
  const tokens = new BearerTokens();
  const names: RoleNames = { ...roles, viewer: [...roles.viewer, ...readers] };
  const isReader = (der: Uint8Array): boolean => certifiedOperator(der, names).role !== 'none';
  const clients = clientCaFile !== undefined && { clientCa: '', strangers: true };
  const settings = { ...address, name: 'the metrics address', reusePort: worker !== undefined, ...clients };
  const listener = untilFlushed.use(new MetricsListener({ tokens, isReader, answer, events }, settings));
  if (clientCaFile !== undefined) followClientCa(listener, { file: clientCaFile, part: PART }, foundation);
  if (tokenFile !== undefined) followTokens(tokens, tokenFile, foundation);
  startUp.at('listen', async (options) => listener.start(options));
  return listener;
}

function answerOf(
  administration: Administration | undefined,
  worker: WorkerPlace | undefined,
  signal: AbortSignal,
): MetricsListenerParts['answer'] | undefined {
  if (worker === undefined) return administration?.observe;
  const options = { signal, withinMs: SUPERVISOR_ANSWERS_WITHIN_MS, changes: false };
  return async (request) =>
    (await worker.link.ask(OBSERVATION_TOPIC, request as unknown as Json, options)) as unknown as ObservationAnswer;
}

/** They are taken before what is registered after this in the phase `listen`. It throws AuthorityError CAP-X03 when there are none at the start. */
function followTokens(
  tokens: BearerTokens,
  file: string,
  { files, health, startUp, running: signal }: Foundation,
): void {
  const documents = watchedFiles({ tokens: { path: file, confidential: true } }, files);
  let problem: string | undefined;
  const read = async (): Promise<void> => {
    const wrong = tokens.replace((await documents.read()).get('tokens') ?? '');
    if (wrong !== undefined) throw new AuthorityError('CAP-X03', { detail: `${file} ${wrong}` });
  };
  startUp.at('listen', async () => {
    await read();
    documents.onChange(
      async () => {
        problem = await read().then(
          () => undefined,
          // The last good ones stay.
          (cause: unknown) => (cause instanceof AuthorityError ? cause.message : 'unexpected failure'),
        );
      },
      { signal },
    );
  });
  health.report('tokens of metrics', () => degradedBy(problem));
}
