// What a page is narrowed by; the choice stands in the address.
import type { ComponentChildren } from 'preact';

export function Filters({ children }: { readonly children: ComponentChildren }) {
  return (
    <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
      {children}
    </form>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly of: readonly string[];
  readonly onChoice: (value: string) => void;
}

export function Choice({ label, value, of, onChoice }: ChoiceProps) {
  return (
    <label>
      {label}
      <select value={value} onChange={({ currentTarget }) => onChoice(currentTarget.value)}>
        {(of.includes(value) ? of : [value, ...of]).map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
    </label>
  );
}

interface TextProps {
  readonly label: string;
  readonly value: string;
  readonly onText: (value: string) => void;
}

/** Taken when the field is left or Enter is pressed: the address keeps one step for each. */
export function Text({ label, value, onText }: TextProps) {
  return (
    <label>
      {label}
      <input type="search" value={value} onChange={({ currentTarget }) => onText(currentTarget.value.trim())} />
    </label>
  );
}
