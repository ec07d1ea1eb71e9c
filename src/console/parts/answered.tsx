// What is around an answer: that it is being asked for, that it is old, as of when it is.
import type { ComponentChildren } from 'preact';
import { formatTime } from '../../domain/text/format-time.ts';
import type { Answered } from '../use-answer.ts';

interface Props<Answer> {
  readonly of: Answered<Answer>;
  readonly show: (answer: Answer) => ComponentChildren;
}

export function WithAnswer<Answer>({ of: { answer, atMs, problem }, show }: Props<Answer>) {
  if (answer === undefined || atMs === undefined) {
    return problem === undefined ? <p class="waiting">Asking the server…</p> : <p role="alert">{capital(problem)}.</p>;
  }
  const when = formatTime(atMs);
  return (
    <>
      {problem === undefined ? (
        <p class="as-of">As of {when}</p>
      ) : (
        <p class="as-of old" role="alert">
          As of {when}, and not renewed since: {problem}.
        </p>
      )}
      {show(answer)}
    </>
  );
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
