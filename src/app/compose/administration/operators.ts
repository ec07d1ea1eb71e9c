// Where operators elsewhere are heard, by their client certificates. Of several processes each listens and hands what is asked to
// the supervisor, which speaks for all.
import {
  OperatorsListener,
  type OperatorsAnswer,
  type OperatorsParts,
} from '../../../adapters/http/admin/operators-listener.ts';
import type { Json } from '../../../adapters/processes/link.ts';
import type { Config } from '../../../config/schema.ts';
import { SUPERVISOR_ANSWERS_WITHIN_MS } from '../../operators-wait.ts';
import { OPERATORS_TOPIC } from '../../worker/topics.ts';
import type { WorkerPlace } from '../../worker-place.ts';
import type { Foundation } from '../foundation.ts';
import type { Administration } from './administration.ts';
import { followClientCa } from './client-ca.ts';

/** @returns the listener, in which nobody comes before it has a serving certificate; nothing where none is configured. */
export function composeOperatorsListener(
  config: Config,
  foundation: Foundation,
  administration: Administration | undefined,
): OperatorsListener | undefined {
  const { address, clientCaFile: file, roles } = config.listen.administration;
  if (address === undefined || file === undefined) return undefined;
  const { events, startUp, untilFlushed, running: signal, worker } = foundation;
  const answer = answerOf(administration, worker, signal);
  if (answer === undefined) return undefined;
  const settings = { ...address, name: 'the administration address', reusePort: worker !== undefined, clientCa: '' };
  const listener = untilFlushed.use(new OperatorsListener({ answer, events }, roles, settings));
  followClientCa(listener, { file, part: 'administration listener' }, foundation);
  startUp.at('listen', async (options) => listener.start(options));
  return listener;
}

/** @returns what answers operators: of several processes the supervisor. */
export function answerOf(
  administration: Administration | undefined,
  worker: WorkerPlace | undefined,
  signal: AbortSignal,
): OperatorsParts['answer'] | undefined {
  if (worker === undefined) return administration?.answer;
  const withinMs = SUPERVISOR_ANSWERS_WITHIN_MS;
  return async (request) => {
    const options = { signal, withinMs, changes: request.method === 'POST' };
    return (await worker.link.ask(OPERATORS_TOPIC, request as unknown as Json, options)) as unknown as OperatorsAnswer;
  };
}
