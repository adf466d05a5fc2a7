import {program, run} from './support.ts';

interface State {
	readonly stateDir: string;
}

/** Runs a line as a person's shell does who copied it from what was printed. */
export function runLine(state: State, line: string, input = '') {
	return run(state, [], {
		command: ['sh', '-c', line.replace(/^jarvis /, `${shellScriptFor(state)} `)],
		input,
	});
}

/** The commands that a text names, each up to the end of its line. */
export function commandsIn(text: string): string[] {
	return [...text.matchAll(/\bjarvis [a-z].*/g)].map(([line]) => line.trim());
}

function shellScriptFor({stateDir}: State): string {
	return `JARVIS_STATE_DIR='${stateDir}' '${process.execPath}' '${program}'`;
}
