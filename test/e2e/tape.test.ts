import {readFileSync} from 'node:fs';
import {delimiter} from 'node:path';
import {expect, it} from 'vitest';
import {parseTape, replayTape, type TapeStep} from '../../scripts/tape.ts';
import {temporaryFolder} from '../support/sandbox.ts';
import {emptyState, openProgram, program, shellScript} from './support.ts';

const steps = parseTape(readFileSync(new URL('../../demo.tape', import.meta.url), 'utf8'));

/** How long (ms) a key takes, as the tape sets it. */
const typingMs = steps.reduce(
	(ms, step) => (step.kind === 'set' && step.name === 'TypingSpeed' ? Number.parseInt(step.value, 10) : ms),
	50,
);

/** How long (ms) a step takes in a recording, its waiting aside. */
function lengthOf(step: TapeStep): number {
	switch (step.kind) {
		case 'sleep':
			return step.ms;
		case 'type':
			return step.text.length * (step.speedMs ?? typingMs);
		case 'key':
			return step.count * (step.speedMs ?? typingMs);
		default:
			return 0;
	}
}

it('the tape makes a film of less than a minute', () => {
	expect(steps[0]).toMatchObject({kind: 'output', path: 'docs/demo.gif'});
	const seconds = steps.reduce((sum, step) => sum + lengthOf(step), 0) / 1000;
	expect(seconds).toBeGreaterThan(40);
	expect(seconds).toBeLessThan(60);
	// VHS is written in Go, whose expressions look neither ahead nor behind.
	for (const step of steps) if (step.kind === 'wait') expect(step.pattern.source).not.toMatch(/\(\?[=!<]/);
});

it('the tape plays on the real program as it stands', async () => {
	const folder = temporaryFolder();
	// `npm run demo` builds first, which would take the program away under other tests.
	shellScript(folder, 'npm', `[ "$*" = "run demo" ] && exec '${process.execPath}' '${program}' --demo`);
	const env = Object.fromEntries(
		steps.flatMap(step => (step.kind === 'env' ? [[step.name, step.value]] : [])),
	);
	const terminal = openProgram(emptyState(), [], {
		command: 'sh',
		args: [],
		env: {...env, PS1: '$ ', ENV: undefined, TMPDIR: folder, PATH: folder + delimiter + process.env.PATH},
		columns: 116,
		rows: 33,
	});
	await terminal.waitFor(/^\$/m);
	await replayTape(steps, terminal);
	await terminal.waitFor(text => terminal.buffer() === 'normal' && /\$$/.test(text.trimEnd()));
	expect(terminal.text()).toMatch(/^\$ npm run demo\n\$/);
});
