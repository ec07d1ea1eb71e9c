// Who may sign the certificates of operators: a file that is followed, for each listener that takes them.
import { watchedFiles } from '../../../adapters/files/watched-files.ts';
import type { HttpsListener } from '../../../adapters/http/https-listener.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import { pathCertificatesOf } from '../../../domain/x509/path/certificate.ts';
import { decodePemBlocks } from '../../../domain/x509/pem.ts';
import { degradedBy } from '../../../ports/platform/health.ts';
import type { Foundation } from '../foundation.ts';

/**
 * The listener has it before what is registered after this in the phase `listen`.
 * @param part as health calls the listener. It throws AuthorityError CAP-X03 when the file is none at the start.
 */
export function followClientCa(
  listener: Pick<HttpsListener, 'setClientCa'>,
  { file, part }: { readonly file: string; readonly part: string },
  { files, health, startUp, running: signal }: Foundation,
): void {
  const documents = watchedFiles({ clientCa: file }, files);
  let problem: string | undefined;
  const read = async (): Promise<void> => {
    const text = (await documents.read()).get('clientCa') ?? '';
    demandAuthorities(text, file);
    listener.setClientCa(text);
  };
  startUp.at('listen', async () => {
    await read().catch((cause: unknown) => {
      throw cause instanceof AuthorityError ? cause : unreadable(file, cause);
    });
    documents.onChange(
      async () => {
        problem = await read().then(
          () => undefined,
          // The last good one stays.
          (cause: unknown) => (cause instanceof AuthorityError ? cause : unreadable(file, cause)).message,
        );
      },
      { signal },
    );
  });
  health.report(part, () => degradedBy(problem));
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
