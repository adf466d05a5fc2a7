import type {ChosenVariable} from '../auth/hand-out.ts';
import {JarvisError} from '../errors.ts';
import {findProgram, runProgramInPlace} from '../host/run-program.ts';
import {type CommandContext, durationFlag, listFlag, tellUnusual, textFlag} from './command.ts';

/** `exec`: runs a program with fresh credentials in the variables that it looks for. */
export async function runExec(context: CommandContext): Promise<number> {
	const {jarvis, flags} = context;
	const [name, ...args] = context.arguments;
	if (name === undefined)
		throw new JarvisError('usage', 'No program is named.', 'Name it: jarvis exec … -- <command>');
	// Nothing is refreshed for a program that there is not.
	const file = findProgram(name, jarvis.env);
	const variables = listFlag(context, 'env').map(chosenVariable);
	const {env, given, leftOut} = await jarvis.handOut(
		{
			agentId: textFlag(context, 'agent'),
			providerIds: listFlag(context, 'provider'),
			profileIds: listFlag(context, 'profile'),
			model: textFlag(context, 'model'),
			sessionKey: textFlag(context, 'session'),
			minTtlMs: durationFlag(context, 'min-ttl'),
			readyOnly: flags.ready === true,
			all: flags.all === true,
			variables,
		},
		name,
	);
	for (const one of given) tellUnusual(context, one);
	for (const {provider, error} of leftOut) {
		context.tell(`Without ${provider}: ${error.message} ${error.next}`);
	}
	return runProgramInPlace({words: [name, ...args], file, env});
}

function chosenVariable(text: string): ChosenVariable {
	const [, name = '', , provider] = /^([A-Za-z_][A-Za-z0-9_]*)(=(.+))?$/.exec(text) ?? [];
	if (name !== '') return provider === undefined ? {name} : {name, provider};
	throw new JarvisError(
		'usage',
		`--env ${JSON.stringify(text)} names no environment variable.`,
		'Write NAME, or NAME=<provider>. The value is the credential.',
	);
}
