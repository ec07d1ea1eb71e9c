// The subset of CEL that policies are written in: which variables there are, which functions, and how large
// an expression may be. One table; everything that is not in it is refused by name.
import { Environment } from '@marcbachmann/cel-js';
import { ClusterInput, KeyInput, RequestInput } from './input.ts';

/** What an expression is about: the request alone, or an object that `where` looks at as well. */
export type Over = 'request' | 'object';

/** Characters of an expression. */
export const MAX_SOURCE = 2_000;
/** Characters of a text that is written in an expression; a SPIFFE ID of Kubernetes names is no longer. */
export const MAX_WRITTEN_TEXT = 600;
export const MAX_MACROS = 4;

/** Of the parser. */
export const LIMITS = {
  maxAstNodes: 500,
  maxDepth: 32,
  maxListElements: 100,
  maxMapEntries: 0,
  maxCallArguments: 3,
};

export const VARIABLES: Readonly<Record<Over, readonly string[]>> = {
  request: ['request', 'cluster'],
  object: ['request', 'cluster', 'object'],
};

/** `f(x)`. No clock, no time zones: nothing whose answer changes. */
export const FUNCTIONS: readonly string[] = ['has', 'size', 'int', 'double', 'string'];
/** `text.f(x)`. */
export const METHODS: readonly string[] = ['startsWith', 'endsWith', 'contains', 'size'];
/** `list.f(x, test)`, by how many arguments. */
export const MACROS: Readonly<Record<string, readonly number[]>> = {
  all: [2],
  exists: [2],
  exists_one: [2],
  map: [2, 3],
  filter: [2],
};

const onRequest = new Environment({ limits: LIMITS })
  .registerType('RequestKey', { ctor: KeyInput, fields: { type: 'string', bits: 'int' } })
  .registerType('Request', {
    ctor: RequestInput,
    fields: {
      namespace: 'string',
      serviceAccount: 'string',
      trustDomain: 'string',
      spiffeId: 'string',
      class: 'string',
      issuer: 'string',
      actor: 'string',
      key: 'RequestKey',
      ttlSeconds: 'int',
      dnsNames: 'list<string>',
      claims: 'map<string, string>',
      podLabels: 'map<string, string>',
      images: 'list<string>',
      namespaceLabels: 'map<string, string>',
    },
  })
  .registerType('Cluster', { ctor: ClusterInput, fields: { id: 'string', labels: 'map<string, string>' } })
  .registerVariable('request', 'Request')
  .registerVariable('cluster', 'Cluster');

export const LANGUAGES: Readonly<Record<Over, Environment>> = {
  object: onRequest.clone({ limits: LIMITS }).registerVariable('object', 'dyn'),
  request: onRequest,
};
