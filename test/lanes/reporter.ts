// What mocha's reporter `spec` prints, and behind it the files in which something failed: the failures themselves name tests only.
import path from 'node:path';
import Mocha from 'mocha';

/** A line of the end; its group is the file, by its path from the folder of the run. */
export const FAILED_IN = /^ {2}failed in (.+)$/gm;

const { EVENT_RUN_END, EVENT_TEST_FAIL } = Mocha.Runner.constants;

export default class SpecWithFiles extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const files = new Set<string>();
    // A hook fails as a test does; its file is that of its suite.
    runner.on(EVENT_TEST_FAIL, ({ file, parent }) => files.add(file ?? parent?.file ?? 'an unknown file'));
    runner.once(EVENT_RUN_END, () => {
      for (const file of files) console.log(`  failed in ${path.relative(process.cwd(), file)}`);
    });
  }
}
