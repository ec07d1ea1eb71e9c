// Where operators elsewhere are heard, by their client certificates. Of several processes each listens and hands what is asked to
// the supervisor, which speaks for all.
import { watchedFiles } from '../../../adapters/files/watched-files.ts';
import {
  OperatorsListener,
  type OperatorsAnswer,
  type OperatorsParts,
} from '../../../adapters/http/admin/operators-listener.ts';
import type { Json } from '../../../adapters/processes/link.ts';
import type { Config } from '../../../config/schema.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import { pathCertificatesOf } from '../../../domain/x509/path/certificate.ts';
import { decodePemBlocks } from '../../../domain/x509/pem.ts';
import { degradedBy } from '../../../ports/platform/health.ts';
import { SUPERVISOR_ANSWERS_WITHIN_MS } from '../../operators-wait.ts';
import { OPERATORS_TOPIC } from '../../worker/topics.ts';
import type { WorkerPlace } from '../../worker-place.ts';
import type { Foundation } from '../foundation.ts';
import type { Administration } from './administration.ts';

/** @returns the listener, which needs a serving certificate before it starts; nothing where none is configured. */
export function composeOperatorsListener(
  config: Config,
  foundation: Foundation,
  administration: Administration | undefined,
): OperatorsListener | undefined {
  const { address, clientCaFile, roles } = config.listen.administration;
  if (address === undefined || clientCaFile === undefined) return undefined;
  const { events, files, health, startUp, untilFlushed, running: signal, worker } = foundation;
  const answer = answerOf(administration, worker, signal);
  if (answer === undefined) return undefined;
  const settings = { ...address, name: 'the administration address', reusePort: worker !== undefined, clientCa: '' };
  const listener = untilFlushed.use(new OperatorsListener({ answer, events }, roles, settings));
  const documents = watchedFiles({ clientCa: clientCaFile }, files);
  let problem: string | undefined;
  const read = async (): Promise<void> => {
    const text = (await documents.read()).get('clientCa') ?? '';
    demandAuthorities(text, clientCaFile);
    listener.setClientCa(text);
  };
  startUp.at('listen', async (options) => {
    await read().catch((cause: unknown) => {
      throw cause instanceof AuthorityError ? cause : unreadable(clientCaFile, cause);
    });
    documents.onChange(
      async () => {
        problem = await read().then(
          () => undefined,
          // The last good one stays.
          (cause: unknown) => (cause instanceof AuthorityError ? cause : unreadable(clientCaFile, cause)).message,
        );
      },
      { signal },
    );
    await listener.start(options);
  });
  health.report('administration listener', () => degradedBy(problem));
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

/**
 * Node takes a text without certificates for none given, and then whoever the authorities of the web certify: a file that is
 * emptied must not let anybody in.
 */
function demandAuthorities(pem: string, place: string): void {
  const blocks = decodePemBlocks(pem, 'CERTIFICATE');
  const whole = 'problem' in blocks ? 0 : blocks.length;
  if (whole === 0 || pathCertificatesOf(pem).length < whole) throw unreadable(place, undefined);
}

function unreadable(file: string, cause: unknown): AuthorityError {
  return new AuthorityError('CAP-X03', { detail: `${file} has no certificates that TLS can use`, cause });
}
