// How the configuration says who may sign in to the console as what.
import type { z } from 'zod';
import { certifiedName } from './operators.ts';
import { fields, listOf, namespaceName, parsed, type Shape } from './shapes.ts';

export const MAX_TEAMS = 500;
const MAX_NAMESPACES = 200;
/** Of a claim; most are much shorter. */
const MAX_CLAIM = 300;

const CLAIM = /^[\p{L}\p{N}\p{P}\p{S}]([\p{L}\p{N}\p{P}\p{S} ]*[\p{L}\p{N}\p{P}\p{S}])?$/u;

/** What a claim may say. */
export const claimValue = parsed<string>('a value of the claim', (text) =>
  text.length <= MAX_CLAIM && CLAIM.test(text) ? text : { problem: `must be 1 to ${MAX_CLAIM} printable characters` },
);

const GROUP = 'group:';

/** A name in a client certificate, or `group:` and a value of the claim. */
const member = parsed<string>('a name in a client certificate, or `group:` and a value of the claim', (text) => {
  const parsedAs = text.startsWith(GROUP)
    ? claimValue.schema.safeParse(text.slice(GROUP.length))
    : certifiedName.schema.safeParse(text);
  return parsedAs.success ? text : { problem: 'must be group: and a value, or URI:, DNS: or CN: and a name' };
});

const namespaces = listOf(namespaceName, MAX_NAMESPACES);
const teamFields = fields('a team: `member` and `namespaces`', {
  member: member.schema,
  namespaces: namespaces.schema.refine((list) => list.length > 0, 'must name one'),
});

export type ConsoleTeam = z.output<typeof teamFields.schema>;
export const consoleTeam: Shape<ConsoleTeam> = teamFields;

/** `https://ca.example.com` or `https://ca.example.com:15019`: scheme, host and port alone. */
export const origin = parsed<string>('an https URL without a path', (text) => {
  const url = URL.parse(text);
  const plain = url?.protocol === 'https:' && url.pathname === '/' && url.search === '' && url.hash === '';
  return plain && url.username === '' && url.password === ''
    ? url.origin
    : { problem: 'must be an https URL without a path, such as https://ca.example.com:15019' };
});
