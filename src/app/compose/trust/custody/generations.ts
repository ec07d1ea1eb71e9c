// The pairs of the issuers that are in folders.
import { FolderGenerations, type FolderOfIssuer } from '../../../../adapters/upstream/offline/folder-generations.ts';
import { IssuerFolder } from '../../../../adapters/upstream/offline/issuer-folder.ts';
import { newKeyPem } from '../../../../adapters/upstream/offline/new-key.ts';
import type { Config } from '../../../../config/schema.ts';
import type { IssuerGenerations } from '../../../../ports/issuing/issuer-generations.ts';
import type { Clock } from '../../../../ports/platform/clock.ts';
import { csrOf, documentOf, firstLine, firstThatFits, readFile, secretsOf, type Named } from './issuer-key.ts';
import type { Judgement } from '../issuers.ts';
import { anchorsOf, judged } from './judge-issuer.ts';

/** What every implementation of the mesh takes, as a ceremony asks for where nobody says otherwise. */
const KEY_TYPE = 'ec-p256';

interface Judging extends Pick<Judgement, 'demands' | 'govern'> {
  /** By which certificates are judged. */
  readonly clock: Pick<Clock, 'nowMs'>;
}

export function composeGenerations(config: Config, judging: Judging): IssuerGenerations {
  const all: readonly Named[] = [config.issuer, ...config.additionalIssuers];
  return new FolderGenerations(
    new Map(
      all.flatMap((place) => {
        const { directory } = place;
        return directory === undefined ? [] : [[place.name, folderOf(config, { ...place, directory }, judging)]];
      }),
    ),
  );
}

function folderOf(
  config: Config,
  place: Named & { readonly directory: string },
  { clock, demands, govern }: Judging,
): FolderOfIssuer {
  const folder = new IssuerFolder(place.directory, readFile);
  const asked = { commonName: `Capstan issuer ${place.name}`, trustDomain: config.trustDomain };
  return {
    folder,
    newKey: async () => newKeyPem(KEY_TYPE, firstLine((await secretsOf(place)).secret)),
    request: async (key, options) => csrOf(place, documentOf(key, (await secretsOf(place)).secret), asked, options),
    keyOf: async (certificate, keys, options) =>
      firstThatFits(place, keys, (await secretsOf(place)).secret, certificate, options),
    anchors: async () => anchorsOf(config, folder),
    judge: async (directory) => {
      await judged(config, { ...place, directory }, clock, { demands, govern, chainCalled: 'the certificate' });
    },
  };
}
