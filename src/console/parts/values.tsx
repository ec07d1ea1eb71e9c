// Values as every page shows them: names that others chose, moments, lengths of time, numbers.
import { serverNowMs } from '../ask.ts';
import { formatCount } from '../../domain/text/format-count.ts';
import { formatSpan, formatTime } from '../../domain/text/format-time.ts';
import { plainText, shownName } from '../../domain/text/shown-name.ts';

/** A name that somebody else chose: in its own direction of reading, what is invisible spelled out, cut where it is long. */
export function Name({ of }: { readonly of: string }) {
  return <bdi>{shownName(of)}</bdi>;
}

/** What the server says, however long, in which names of others may stand: line by line, with what is invisible spelled out. */
export function Shown({ text }: { readonly text: string }) {
  return <bdi>{plainText(text)}</bdi>;
}

/** As `Name`, of something that is compared or copied. */
export function Code({ of }: { readonly of: string }) {
  return (
    <code>
      <bdi>{shownName(of)}</bdi>
    </code>
  );
}

/** A moment, and how far it is. */
export function Moment({ at }: { readonly at: number }) {
  const leftMs = at - serverNowMs();
  const far = leftMs >= 0 ? `in ${formatSpan(leftMs)}` : `${formatSpan(-leftMs)} ago`;
  return (
    <time dateTime={new Date(at).toISOString()}>
      {formatTime(at)} <span class="far">{far}</span>
    </time>
  );
}

export function Count({ of }: { readonly of: number }) {
  return <span class="count">{formatCount(of)}</span>;
}

export function Span({ of }: { readonly of: number }) {
  return <>{formatSpan(of)}</>;
}

export type Tone = 'good' | 'warn' | 'bad' | 'plain';

/** A word for a state: its colour says nothing that the word does not. */
export function State({ word, tone }: { readonly word: string; readonly tone: Tone }) {
  return <span class={`state ${tone}`}>{word}</span>;
}
