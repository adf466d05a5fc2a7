import {resolve} from 'node:path';
import {shellWord} from './errors.ts';

/**
 * A text with the commands that it suggests as they must be typed: for the state folder that was named, where one
 * was. Whoever named none types them as they are.
 * @param stateDir as it was named, relative to the working directory
 */
export function asTyped(text: string, stateDir: string | undefined): string {
	if (stateDir === undefined) return text;
	const folder = resolve(stateDir);
	const word = /^[\w./-]+$/.test(folder) ? folder : shellWord(folder);
	return text.replace(/(?<![\w./-])jarvis (?=[a-z])/g, () => `jarvis --state-dir ${word} `);
}
