// The pairs of the issuers that are in folders or in memory.
import { generationsByName } from '../../../../adapters/upstream/generations-by-name.ts';
import { MemoryGenerations } from '../../../../adapters/upstream/memory/memory-generations.ts';
import { FolderGenerations, type FolderOfIssuer } from '../../../../adapters/upstream/offline/folder-generations.ts';
import { IssuerFolder } from '../../../../adapters/upstream/offline/issuer-folder.ts';
import { newKeyPem } from '../../../../adapters/upstream/offline/new-key.ts';
import type { Config } from '../../../../config/schema.ts';
import { AuthorityError } from '../../../../domain/errors.ts';
import type { IssuerGenerations } from '../../../../ports/issuing/issuer-generations.ts';
import type { Clock } from '../../../../ports/platform/clock.ts';
import { stagedDocuments, type InMemory } from './in-memory.ts';
import {
  csrOf,
  documentOf,
  firstLine,
  firstThatFits,
  placeOf,
  readFile,
  requestOf,
  secretsOf,
  type Named,
} from './issuer-key.ts';
import type { Judgement } from '../issuers.ts';
import { anchorsOf, judged } from './judge-issuer.ts';

/** What every implementation of the mesh takes, as a ceremony asks for where nobody says otherwise. */
const KEY_TYPE = 'ec-p256';

interface Judging extends Pick<Judgement, 'demands' | 'govern'> {
  /** By which certificates are judged. */
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** @param inMemory where there are such. */
export function composeGenerations(
  config: Config,
  judging: Judging,
  inMemory: InMemory | undefined,
): IssuerGenerations {
  const folders = inFolders(config, judging);
  return inMemory === undefined ? folders : generationsByName([folders, pairsOf(config, judging, inMemory)]);
}

function pairsOf(config: Config, { clock, demands, govern }: Judging, inMemory: InMemory): IssuerGenerations {
  const { names, pairs, opener } = inMemory;
  return new MemoryGenerations(names, {
    pairs,
    request: async (name, keyId, options) => {
      const key = await opener.open({ text: keyId }, options);
      if ('problem' in key) throw new AuthorityError('CAP-X03', { detail: `the key of issuer ${name} ${key.problem}` });
      return (await requestOf(key, askedBy(config, name), options)).csrPem;
    },
    judge: async (name, held) => {
      const staged = { opener, documentsOf: stagedDocuments(held) };
      await judged(config, placeOf(config, name), clock, { demands, govern, inMemory: staged });
    },
  });
}

function inFolders(config: Config, judging: Judging): IssuerGenerations {
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
  const asked = askedBy(config, place.name);
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

function askedBy({ trustDomain }: Config, name: string): { readonly commonName: string; readonly trustDomain: string } {
  return { commonName: `Capstan issuer ${name}`, trustDomain };
}
