// What operators send, read strictly.
import type { Context } from 'hono';
import { z } from 'zod';
import { AuthorityError } from '../../../domain/errors.ts';

const MAX_REASON = 500;

/** Printable, on one line: it goes into the journal and onto terminals. */
export const reason = z
  .string()
  .trim()
  .min(1)
  .max(MAX_REASON)
  .regex(/^[^\p{C}\u2028\u2029]*$/u);

/** @throws AuthorityError CAP-O02 for a body that says something else. */
export async function bodyOf<T extends z.ZodType>({ req }: Pick<Context, 'req'>, schema: T): Promise<z.output<T>> {
  const parsed = schema.safeParse(await req.json<unknown>().catch(() => undefined));
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  const place = first?.path.join('.') ?? '';
  throw new AuthorityError('CAP-O02', { detail: `the body is not as it should be${place && ` at ${place}`}` });
}
