// How to sign in here: the ways that the server has.
import { Refused, tell } from '../ask.ts';

export type Way = 'link' | 'certificate' | 'oidc';

interface Props {
  readonly ways: readonly Way[];
  readonly problem?: string | undefined;
  /** @param problem why it did not succeed. */
  readonly onSignIn: (problem?: string) => void;
}

export function SignIn({ ways, problem, onSignIn }: Props) {
  const showCertificate = async (): Promise<void> => {
    try {
      await tell('/login/certificate', {});
      onSignIn();
    } catch (cause) {
      onSignIn(cause instanceof Refused ? `Not signed in: ${cause.message}.` : 'The server does not answer.');
    }
  };
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
      {ways.includes('oidc') && (
        <p>
          <a class="button" href="/login/oidc">
            Sign in with your organisation
          </a>
        </p>
      )}
      {ways.includes('certificate') && (
        <p>
          <button type="button" onClick={() => void showCertificate()}>
            Sign in with a client certificate
          </button>
        </p>
      )}
    </main>
  );
}
