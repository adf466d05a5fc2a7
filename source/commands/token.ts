import {JarvisError} from '../errors.ts';
import {type CommandContext, durationFlag, printJson, tellUnusual, textFlag} from './command.ts';

/** `models auth token`: a token that is good now, alone on standard output. */
export async function runToken(context: CommandContext): Promise<number> {
	const {jarvis, flags} = context;
	const format = await formatFlag(context);
	const found = await jarvis.resolve({
		providerId: textFlag(context, 'provider'),
		model: textFlag(context, 'model'),
		agentId: textFlag(context, 'agent'),
		sessionKey: textFlag(context, 'session'),
		profileId: textFlag(context, 'profile'),
		minTtlMs: durationFlag(context, 'min-ttl'),
		readyOnly: flags.ready === true,
		// One that fits no form is not given.
		unrecorded: format !== undefined,
	});
	const {secret, ...about} = found;
	if (flags.json) {
		printJson(context, {...about, token: secret});
		return 0;
	}
	tellUnusual(context, about);
	if (format) {
		const formed = format(found, jarvis.env);
		const {agentId, profileId, provider} = about;
		jarvis.record('handed_out', {agentId, profileId, provider});
		printJson(context, formed);
	} else context.print(secret, true);
	return 0;
}

// What few ask for is loaded for them only.
async function formatFlag(context: CommandContext) {
	const name = textFlag(context, 'format');
	if (name === undefined) return undefined;
	const {formatNamed} = await import('./token-format.ts');
	if (!context.flags.json) return formatNamed(name);
	throw new JarvisError('usage', '--json and --format are two forms.', 'Leave one of them out.');
}
