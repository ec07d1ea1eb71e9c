// Rules about where operators are heard.
import { isLoopback } from '../shapes/shapes.ts';
import type { Rule } from './rules.ts';

const NEEDS_SOCKET = {
  problem: 'is required with a journal in PostgreSQL: there is no file that it could be beside',
};
const NEEDS_CLIENT_CA = {
  problem: 'is required with listen.administration.address: operators are known by their client certificates',
};

const NEEDS_ORIGIN = { problem: 'is required with listen.console.oidc.issuer: the provider sends browsers back there' };
const NEEDS_CLIENT_ID = { problem: 'is required with listen.console.oidc.issuer' };
const NEEDS_KEY = { problem: 'is required with listen.console.chainFile' };
const NEEDS_CHAIN = { problem: 'is required with listen.console.keyFile' };
const NEEDS_SIGN_IN = {
  problem: 'needs a way to sign in: listen.administration.clientCaFile or listen.console.oidc.issuer',
};
const STAYS_HERE = {
  problem: 'must be a loopback address with `serve --dev`: without TLS the console stays on this machine',
};

const NEEDS_CREDENTIAL = {
  problem:
    'needs something that scrapers are known by: listen.metrics.tokenFile, or listen.administration.clientCaFile',
};
const READERS_NEED_CA = {
  problem: 'needs listen.administration.clientCaFile: who signs the client certificates that it names',
};
const NOT_SERVED = { problem: 'has no effect without listen.metrics.address' };

export const ADMINISTRATION_RULES: readonly Rule[] = [
  {
    reads: ['listen.metrics.address', 'listen.metrics.tokenFile', 'listen.administration.clientCaFile'],
    check: ({ listen: { metrics, administration } }) =>
      metrics.address !== undefined && metrics.tokenFile === undefined && administration.clientCaFile === undefined
        ? [NEEDS_CREDENTIAL]
        : [],
  },
  {
    reads: ['listen.metrics.readers', 'listen.administration.clientCaFile'],
    check: ({ listen: { metrics, administration } }) =>
      metrics.readers.length > 0 && administration.clientCaFile === undefined ? [READERS_NEED_CA] : [],
  },
  {
    reads: ['listen.metrics.tokenFile', 'listen.metrics.address'],
    check: ({ listen: { metrics } }) =>
      metrics.tokenFile !== undefined && metrics.address === undefined ? [NOT_SERVED] : [],
  },
  {
    reads: ['listen.metrics.readers', 'listen.metrics.address'],
    check: ({ listen: { metrics } }) =>
      metrics.readers.length > 0 && metrics.address === undefined ? [NOT_SERVED] : [],
  },
  {
    reads: ['listen.administration.socket', 'journal.store'],
    check: ({ listen: { administration }, journal: { store } }) =>
      store.kind === 'postgres' && administration.socket === undefined ? [NEEDS_SOCKET] : [],
  },
  {
    reads: ['listen.administration.clientCaFile', 'listen.administration.address'],
    check: ({ listen: { administration } }) =>
      administration.address !== undefined && administration.clientCaFile === undefined ? [NEEDS_CLIENT_CA] : [],
  },
  {
    reads: ['listen.console.url', 'listen.console.oidc.issuer'],
    check: ({ listen: { console } }) =>
      console.oidc.issuer !== undefined && console.url === undefined ? [NEEDS_ORIGIN] : [],
  },
  {
    reads: ['listen.console.oidc.clientId', 'listen.console.oidc.issuer'],
    check: ({ listen: { console } }) =>
      console.oidc.issuer !== undefined && console.oidc.clientId === undefined ? [NEEDS_CLIENT_ID] : [],
  },
  {
    reads: ['listen.console.keyFile', 'listen.console.chainFile'],
    check: ({ listen: { console } }) =>
      console.chainFile !== undefined && console.keyFile === undefined ? [NEEDS_KEY] : [],
  },
  {
    reads: ['listen.console.chainFile', 'listen.console.keyFile'],
    check: ({ listen: { console } }) =>
      console.keyFile !== undefined && console.chainFile === undefined ? [NEEDS_CHAIN] : [],
  },
  {
    reads: [
      'listen.console.address',
      'listen.console.oneTimeLink',
      'listen.administration.clientCaFile',
      'listen.console.oidc.issuer',
    ],
    check: ({ listen: { console, administration } }) =>
      console.address !== undefined &&
      !console.oneTimeLink &&
      administration.clientCaFile === undefined &&
      console.oidc.issuer === undefined
        ? [NEEDS_SIGN_IN]
        : [],
  },
  {
    reads: ['listen.console.address', 'listen.console.oneTimeLink'],
    check: ({ listen: { console } }) =>
      console.oneTimeLink && console.address !== undefined && !isLoopback(console.address.host) ? [STAYS_HERE] : [],
  },
];
