import {type CommandContext, printJson, textFlag} from './command.ts';

/** `models auth token`: a token that is good now, alone on standard output. */
export async function runToken(context: CommandContext): Promise<number> {
	const {agentId, profileId, kind, secret, expires} = await context.jarvis.token({
		providerId: textFlag(context, 'provider') ?? '',
		agentId: textFlag(context, 'agent'),
		profileId: textFlag(context, 'profile'),
	});
	if (context.flags.json) printJson(context, {agentId, profileId, kind, token: secret, expires});
	else context.print(secret);
	return 0;
}
