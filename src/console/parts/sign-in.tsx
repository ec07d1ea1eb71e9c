// How to sign in here: the ways that the server has.
export type Way = 'link' | 'certificate' | 'oidc';

interface Props {
  readonly ways: readonly Way[];
  readonly problem?: string | undefined;
}

export function SignIn({ ways, problem }: Props) {
  return (
    <main class="sign-in">
      <h1>Capstan</h1>
      {problem !== undefined && <p role="alert">{problem}</p>}
      {ways.includes('link') && (
        <p>
          Open the link that the server printed when it started, after <b>Console</b>. It works once; a server that is
          started again prints another one.
        </p>
      )}
    </main>
  );
}
