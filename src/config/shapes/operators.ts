// How the configuration names people who administer the server.
import { parsed } from './shapes.ts';

export const MAX_OPERATORS = 200;

/** Printable ASCII; a `*` only at the end, where something stands before it. */
export const certifiedName = parsed<string>('a name in a client certificate', (text) =>
  /^(URI|DNS|CN):[\x21-\x29\x2b-\x7e]([\x20-\x29\x2b-\x7e]{0,297}[\x21-\x7e])?$/.test(text) && text.length <= 300
    ? text
    : { problem: 'must be URI:, DNS: or CN: and a name, of which `*` may be the last character' },
);
