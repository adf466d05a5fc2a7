import {text} from 'node:stream/consumers';
import {gitOutput, parseGitInput} from '../auth/git-credential.ts';
import {type CommandContext, durationFlag, listFlag, tellUnusual, textFlag} from './command.ts';

/** `git-credential`: what git calls as a credential helper (gitcredentials(7)). */
export async function runGitCredential(context: CommandContext): Promise<number> {
	const {jarvis} = context;
	const [operation] = context.arguments;
	// A helper is to pass over what it does not know.
	if (operation !== 'get' && operation !== 'store' && operation !== 'erase') return 0;
	const request = {
		asked: parseGitInput(await text(context.stdin)),
		agentId: textFlag(context, 'agent'),
		hosts: listFlag(context, 'host').map(host => host.toLowerCase()),
		providerId: textFlag(context, 'provider'),
		profileId: textFlag(context, 'profile'),
		username: textFlag(context, 'username'),
		sessionKey: textFlag(context, 'session'),
		minTtlMs: durationFlag(context, 'min-ttl'),
	};
	if (operation === 'get') {
		const answer = await jarvis.answerGit(request);
		if (answer) {
			tellUnusual(context, answer);
			context.print(gitOutput(answer), true);
		}
		return 0;
	}
	await jarvis.noteGitOutcome(request, operation === 'store' ? 'accepted' : 'refused');
	return 0;
}
