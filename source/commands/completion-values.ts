import {JarvisError} from '../errors.ts';
import {isProviderId} from '../store/paths.ts';
import {type CommandContext, textFlag} from './command.ts';

/** `completion values`: the names of a kind, a line each, for the completion scripts. */
export async function runCompletionValues(context: CommandContext): Promise<number> {
	const [kind = ''] = context.arguments;
	for (const name of await namesOfKind(context, kind)) context.print(name);
	return 0;
}

async function namesOfKind(context: CommandContext, kind: string): Promise<readonly string[]> {
	const {jarvis} = context;
	if (kind === 'provider') return [...(await jarvis.providers()).providers.keys()].filter(isProviderId);
	if (kind === 'agent' || kind === 'profile') {
		const provider = textFlag(context, 'provider');
		return jarvis.namesOf(kind, {
			agentId: textFlag(context, 'agent'),
			providerId: provider === undefined ? undefined : await jarvis.providerIdOf(provider),
		});
	}
	throw new JarvisError(
		'usage',
		`${JSON.stringify(kind)} has no names.`,
		'Ask for agent, provider or profile.',
	);
}
