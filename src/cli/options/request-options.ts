// The options with which `policy check` and `policy explain` say what a workload would ask for.
import { InvalidArgumentError, Option, type Command } from 'commander';
import { formerClaimProblem } from '../../adapters/policy/former-names.ts';
import { parseTrustDomain } from '../../domain/identity/trust-domain.ts';
import { CLAIMS, type ClaimName, type PolicyRequest } from '../../domain/policy/request.ts';
import { durationOption, momentOption } from './option-values.ts';
import {
  DEFAULT_ISSUER,
  DEFAULT_KEY,
  DEFAULT_TRUST_DOMAIN,
  parseKey,
  type RequestSettings,
} from '../../review/requests/assumed-request.ts';

type Claims = PolicyRequest['claims'];

export interface RequestOptions {
  readonly trustDomain: string;
  readonly key: PolicyRequest['key'];
  /** Milliseconds. */
  readonly ttl?: number;
  readonly issuer: readonly string[];
  readonly claim: Claims;
  /** Milliseconds since the epoch. */
  readonly now?: number;
}

export function requestSettingsOf({ trustDomain, key, ttl, issuer, claim }: RequestOptions): RequestSettings {
  const [first = DEFAULT_ISSUER, ...others] = issuer;
  return {
    trustDomain,
    key,
    issuers: [first, ...others],
    claims: claim,
    ...(ttl !== undefined && { requestedTtlMs: ttl }),
  };
}

export function addRequestOptions(command: Command): Command {
  return command
    .option('--trust-domain <name>', 'trust domain of the mesh', trustDomainOption, DEFAULT_TRUST_DOMAIN)
    .addOption(
      new Option('--key <type>', 'key that is asked for, such as rsa-2048')
        .argParser(keyOption)
        .default({ type: DEFAULT_KEY, bits: 0 }, DEFAULT_KEY),
    )
    .option('--ttl <duration>', 'lifetime that is asked for (default: none in particular)', durationOption)
    .addOption(
      new Option('--issuer <name>', "an issuer of the server, in its configuration's order; may be given again")
        .argParser((text: string, before: readonly string[]) => [...before, text])
        .default([], DEFAULT_ISSUER),
    )
    .addOption(
      new Option('--claim <name=value>', `a claim of the credential, one of ${CLAIMS.join(', ')}; may be given again`)
        .argParser(claimOption)
        .default({}, 'nothing'),
    )
    .option('--now <time>', 'moment to ask for, such as 2026-01-31T12:00:00Z (default: this one)', momentOption);
}

/** `--policies`, one path at a time, so that what follows is an argument again. */
export function policiesOption(): Option {
  return new Option('--policies <path>', 'local policies: a file, or a directory; may be given again')
    .argParser((text: string, before: readonly string[]) => [...before, text])
    .default([], 'none');
}

function trustDomainOption(text: string): string {
  if (parseTrustDomain(text) === undefined) throw new InvalidArgumentError('It is not a trust domain.');
  return text;
}

function keyOption(text: string): PolicyRequest['key'] {
  const key = parseKey(text);
  if ('problem' in key) throw new InvalidArgumentError(`It ${key.problem}.`);
  return key;
}

function claimOption(text: string, before: Claims): Claims {
  const at = text.indexOf('=');
  const name = text.slice(0, Math.max(at, 0));
  const former = formerClaimProblem(name);
  if (former !== undefined) throw new InvalidArgumentError(`${former}.`);
  if (!(CLAIMS as readonly string[]).includes(name)) {
    throw new InvalidArgumentError(
      `Write a claim and its value, such as authenticationMethod=token; claims: ${CLAIMS.join(', ')}.`,
    );
  }
  return { ...before, [name as ClaimName]: text.slice(at + 1) };
}
