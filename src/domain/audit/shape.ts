// The shapes of what an export and a file of heads may hold, checked to the last member where nobody signs them: what is not known
// here could say something that nobody proves.

export type Check = (value: unknown) => boolean;

export const text: Check = (value) => typeof value === 'string';
export const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
export const sha256: Check = (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
/** In the one spelling that a value has (RFC 4648 section 3.5): stray bits at the end would be a change that nobody sees. */
export const base64: Check = (value) =>
  typeof value === 'string' && Buffer.from(value, 'base64').toString('base64') === value;
export const anyObject: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

export function oneOf(...values: readonly unknown[]): Check {
  return (value) => values.includes(value);
}

export function listOf(check: Check): Check {
  return (value) => Array.isArray(value) && value.every((one) => check(one));
}

type Members = Readonly<Record<string, Check>>;

/** An object of these members and no other. */
export function object(required: Members, optional: Members = {}): Check {
  const known = new Set(Object.keys({ ...required, ...optional }));
  const check = stated(required, optional);
  return (value) => check(value) && Object.keys(value as object).every((name) => known.has(name));
}

/** An object of these members and others, for what is signed as a whole: a later version may state more, and nobody else can. */
export function stated(required: Members, optional: Members = {}): Check {
  const names = Object.keys(required);
  const checks = Object.entries({ ...required, ...optional });
  return (value) => {
    if (!anyObject(value)) return false;
    const members = value as Readonly<Record<string, unknown>>;
    return (
      names.every((name) => Object.hasOwn(members, name)) &&
      checks.every(([name, check]) => !Object.hasOwn(members, name) || check(members[name]))
    );
  };
}
