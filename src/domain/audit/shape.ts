// The shapes of what an export and a file of heads may hold, checked to the last member: what is not known here could say
// something that nobody proves.

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

/** An object of these members and no other. */
export function object(
  required: Readonly<Record<string, Check>>,
  optional: Readonly<Record<string, Check>> = {},
): Check {
  const names = Object.keys(required);
  const checks = new Map(Object.entries({ ...required, ...optional }));
  return (value) => {
    if (!anyObject(value)) return false;
    const members = value as Readonly<Record<string, unknown>>;
    return (
      names.every((name) => Object.hasOwn(members, name)) &&
      Object.keys(members).every((name) => checks.get(name)?.(members[name]) === true)
    );
  };
}
