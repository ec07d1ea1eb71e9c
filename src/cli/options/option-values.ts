// How option values are read. What is wrong with one is a usage error and names the option.
import { InvalidArgumentError } from 'commander';
import { readAddress, type HostPort } from '../../config/shapes/shapes.ts';
import { parseMoment } from '../../domain/text/moment.ts';
import { parseDuration } from '../../domain/text/duration.ts';
import { kubernetesIdentity, type KubernetesIdentity } from '../../domain/identity/kubernetes-identity.ts';
import { parseTrustDomain } from '../../domain/identity/trust-domain.ts';
import { CommandError, EXIT } from '../exit-codes.ts';

/** @returns milliseconds, more than none. */
export function durationOption(text: string): number {
  const ms = parseDuration(text);
  if (typeof ms === 'number' && ms > 0) return ms;
  throw new InvalidArgumentError('Write a duration such as 30m, 1h or 7d.');
}

export function countOption(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Write a whole number, 1 or more.');
}

/** @returns milliseconds since the epoch. */
export function momentOption(text: string): number {
  const ms = parseMoment(text);
  if (typeof ms !== 'number') throw new InvalidArgumentError(`It ${ms.problem}.`);
  return ms;
}

/** An IPv6 host stands in brackets. */
export function hostPortOption(text: string): HostPort {
  const read = readAddress(text);
  if ('problem' in read) throw new InvalidArgumentError('Write host:port, such as localhost:15012.');
  return read;
}

/** @returns the identity that `--trust-domain`, `--namespace` and `--service-account` name together. */
export function identityOption(options: {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}): KubernetesIdentity {
  const trustDomain = parseTrustDomain(options.trustDomain);
  if (trustDomain === undefined) {
    throw new CommandError(EXIT.usage, `--trust-domain ${JSON.stringify(options.trustDomain)} is not a trust domain`);
  }
  const identity = kubernetesIdentity(trustDomain, options.namespace, options.serviceAccount);
  if (!('problem' in identity)) return identity;
  const asked = `${options.namespace}/${options.serviceAccount}`;
  throw new CommandError(EXIT.usage, `the identity ${JSON.stringify(asked)} ${identity.problem}`);
}
