import {span} from '../words.ts';
import {type CommandContext, durationFlag, printJson, textFlag} from './command.ts';

/** `models auth token`: a token that is good now, alone on standard output. */
export async function runToken(context: CommandContext): Promise<number> {
	const {jarvis, flags} = context;
	const {secret, ...about} = await jarvis.resolve({
		providerId: textFlag(context, 'provider'),
		model: textFlag(context, 'model'),
		agentId: textFlag(context, 'agent'),
		sessionKey: textFlag(context, 'session'),
		profileId: textFlag(context, 'profile'),
		minTtlMs: durationFlag(context, 'min-ttl'),
		readyOnly: flags.ready === true,
	});
	if (flags.json) {
		printJson(context, {...about, token: secret});
		return 0;
	}
	if (about.modelWhy !== undefined) {
		context.tell(`This is for ${about.provider}/${about.model}, ${about.modelWhy}.`);
	}
	if (about.until !== undefined) {
		const back = span(about.until - jarvis.now());
		context.tell(`${about.profileId} is ${about.why}, back in ${back}; it is handed out all the same.`);
	}
	context.print(secret);
	return 0;
}
