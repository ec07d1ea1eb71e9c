// Whether a server that has never signed with an issuer would: the judgement of a ceremony and of what an upstream sent.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { ANCHOR_FILES } from '../../../../adapters/issuers/documents/issuer-directory.ts';
import { readIfThere } from '../../../../durable/replace-file.ts';
import type { IssuerFolder } from '../../../../adapters/upstream/offline/issuer-folder.ts';
import type { Config } from '../../../../config/schema.ts';
import { PLACE_FIELDS } from '../../../../config/shapes/issuer.ts';
import { AuthorityError } from '../../../../domain/errors.ts';
import type { Clock } from '../../../../ports/platform/clock.ts';
import { checkIssuer, type Judgement } from '../issuers.ts';
import type { Named } from './issuer-key.ts';

/** As of any file of an issuer. */
export const MAX_FILE_BYTES = 1024 * 1024;

/** @returns those that the chain is judged by, so that the folder is whole for who makes a Secret of it. */
export async function anchorsOf({ trustAnchors: { file } }: Config, folder: IssuerFolder): Promise<string> {
  const given = file === undefined ? undefined : await readIfThere(file, MAX_FILE_BYTES);
  return given ?? (await folder.current('anchors')) ?? '';
}

/** @returns warnings. @throws AuthorityError CAP-X03 saying why no server would sign with it. */
export async function judged(
  config: Config,
  place: Named,
  clock: Pick<Clock, 'nowMs'>,
  { demands, govern, chainCalled, inMemory }: Omit<Judgement, 'wasInForce'> = {},
): Promise<readonly string[]> {
  const { maxTtl = Infinity, ...own } = place;
  // Nothing of where the default issuer is: its files are not those of another one.
  const nowhere = Object.fromEntries(PLACE_FIELDS.map((field) => [field, undefined]));
  const max = Math.min(config.lifetimes.max, maxTtl);
  const alone = {
    ...config,
    issuer: { ...config.issuer, ...nowhere, ...own },
    trustAnchors: { ...config.trustAnchors, file: anchorsFileOf(config, place) },
    additionalIssuers: [],
    lifetimes: { ...config.lifetimes, max },
  };
  const checked = await checkIssuer(alone, clock, { wasInForce: false, demands, govern, chainCalled, inMemory });
  if (checked === undefined) throw refusal(`a file of the issuer ${place.name} is missing: see capstan config check`);
  if (checked.problem !== undefined) throw refusal(checked.problem);
  return checked.warnings;
}

/** Additional issuers stand below the anchors of the default one, which may be in its folder. */
function anchorsFileOf({ issuer, trustAnchors: { file } }: Config, { name }: Named): string | undefined {
  const { directory } = issuer;
  if (file !== undefined || directory === undefined || name === issuer.name) return file;
  return ANCHOR_FILES.map((one) => path.join(directory, one)).find((one) => existsSync(one));
}

function refusal(detail: string): AuthorityError {
  return new AuthorityError('CAP-X03', { detail });
}
