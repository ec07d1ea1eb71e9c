// Turns whatever was thrown into something a log line may carry: names, messages and stacks, all
// cut; never the thrown object itself, which may hold a request.
import { AuthorityError } from '../../domain/errors.ts';

const MAX_MESSAGE_CHARACTERS = 1000;
const MAX_STACK_CHARACTERS = 4000;
/** How far a chain of causes is followed. */
const MAX_DEPTH = 4;

export interface DescribedCause {
  readonly name: string;
  readonly message: string;
  /** Node's or Capstan's stable code, such as `ECONNREFUSED` or `CAP-S04`. */
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: DescribedCause;
}

/** At most `characters` of `text`. */
export function cut(text: string, characters = MAX_MESSAGE_CHARACTERS): string {
  return text.length <= characters ? text : `${text.slice(0, characters - 3)}...`;
}

export function describeCause(thrown: unknown, depth = 1): DescribedCause {
  if (!(thrown instanceof Error)) {
    return { name: typeof thrown, message: typeof thrown === 'string' ? cut(thrown) : 'not an Error' };
  }
  const code = thrown instanceof AuthorityError ? thrown.reason : 'code' in thrown ? thrown.code : undefined;
  return {
    name: cut(thrown.name),
    message: cut(thrown.message),
    ...(typeof code === 'string' ? { code } : {}),
    ...(thrown.stack === undefined ? {} : { stack: cut(thrown.stack, MAX_STACK_CHARACTERS) }),
    ...(thrown.cause === undefined || depth >= MAX_DEPTH ? {} : { cause: describeCause(thrown.cause, depth + 1) }),
  };
}
