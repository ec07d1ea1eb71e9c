// Rules about where operators are heard.
import { isLoopback } from '../shapes/shapes.ts';
import type { Rule } from './rules.ts';

const NEEDS_SOCKET = {
  problem: 'is required with a journal in PostgreSQL: there is no file that it could be beside',
};
const NEEDS_CLIENT_CA = {
  problem: 'is required with listen.administration.address: operators are known by their client certificates',
};

const STAYS_HERE = {
  problem: 'must be a loopback address with `serve --dev`: without TLS the console stays on this machine',
};

export const ADMINISTRATION_RULES: readonly Rule[] = [
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
    reads: ['listen.console.address', 'listen.console.oneTimeLink'],
    check: ({ listen: { console } }) =>
      console.oneTimeLink && console.address !== undefined && !isLoopback(console.address.host) ? [STAYS_HERE] : [],
  },
];
