// The certificate that the console shows to browsers, where it has one of its own: a pair of files that is followed.
import { watchedFiles } from '../../../../adapters/files/watched-files.ts';
import type { HttpsListener } from '../../../../adapters/http/https-listener.ts';
import { AuthorityError } from '../../../../domain/errors.ts';
import { degradedBy } from '../../../../ports/platform/health.ts';
import type { Foundation } from '../../foundation.ts';

export interface ShownFiles {
  readonly chainFile: string;
  readonly keyFile: string;
}

/** What is said of files that are no such pair. */
export const noShownCertificate = ({ chainFile, keyFile }: ShownFiles): string =>
  `${chainFile} and ${keyFile} are no certificate with its key that TLS can use`;

/** It is set before what is registered after this in the phase `listen`. It throws AuthorityError CAP-X03 when it is none at the start. */
export function followShownCertificate(
  listener: Pick<HttpsListener, 'setServingCertificate'>,
  { chainFile, keyFile }: ShownFiles,
  { files, health, startUp, running: signal }: Foundation,
): void {
  const documents = watchedFiles({ chain: chainFile, key: keyFile }, files);
  let problem: string | undefined;
  const read = async (): Promise<void> => {
    try {
      const texts = await documents.read();
      listener.setServingCertificate({ certChainPem: texts.get('chain') ?? '', keyPem: texts.get('key') ?? '' });
    } catch (cause) {
      throw new AuthorityError('CAP-X03', { detail: noShownCertificate({ chainFile, keyFile }), cause });
    }
  };
  startUp.at('listen', async () => {
    await read();
    documents.onChange(
      async () => {
        problem = await read().then(
          () => undefined,
          // The last good one stays.
          (cause: unknown) => (cause as AuthorityError).message,
        );
      },
      { signal },
    );
  });
  health.report('console certificate', () => degradedBy(problem));
}
