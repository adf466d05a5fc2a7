import {once} from 'node:events';
import {createInterface} from 'node:readline/promises';
import {JarvisError} from '../errors.ts';
import type {CommandContext} from './command.ts';

/**
 * Makes sure that a person wants something destroyed: they type its name. `--yes` answers for them.
 * @throws `terminal_required` when nobody can be asked
 */
export async function confirmByName(context: CommandContext, what: string, name: string): Promise<boolean> {
	if (context.flags.yes) return true;
	if (!context.stdin.isTTY) {
		throw new JarvisError(
			'terminal_required',
			`${what} That is asked first, and there is no terminal.`,
			'Add --yes.',
		);
	}
	return (await answerTo(context, `${what} Type ${name} to do it: `)) === name;
}

/** Asks a person, who has a terminal, for a yes or a no; no is what nothing means. */
export async function askYesNo(context: CommandContext, question: string): Promise<boolean> {
	return /^y(es)?$/i.test(await answerTo(context, `${question} [y/N] `));
}

async function answerTo(context: CommandContext, question: string): Promise<string> {
	const lines = createInterface({input: context.stdin, output: process.stderr});
	let isOver = false;
	try {
		// ^C and ^D close the line without an answer, which is a no.
		const closed = once(lines, 'close').then(() => {
			if (!isOver) context.tell('');
			return '';
		});
		const answer = lines.question(question).catch(() => '');
		return (await Promise.race([answer, closed])).trim();
	} finally {
		isOver = true;
		lines.close();
	}
}
