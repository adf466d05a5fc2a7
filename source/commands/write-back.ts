import {linkState} from '../words.ts';
import {type CommandContext, printJson, textFlag} from './command.ts';
import {textTable} from './text.ts';

/** `models auth write-back on`: keeps a program's own login file in step with a profile. */
export async function runWriteBackOn(context: CommandContext): Promise<number> {
	const {jarvis, flags} = context;
	const [program = ''] = context.arguments;
	const {label, ...link} = await jarvis.switchWriteBackOn({
		program,
		home: textFlag(context, 'home'),
		agentId: textFlag(context, 'agent'),
		profileId: textFlag(context, 'profile'),
		replace: flags.replace === true,
	});
	if (flags.json) printJson(context, link);
	else {
		context.tell(`The ${label} in ${link.home} is kept in step with ${link.profileId} from now on.`);
		context.tell('It gets each new access token, and never a refresh token: it cannot end the login.');
		if (link.original) context.tell(`The login that stood there is kept in ${link.original}.`);
	}
	if (link.hindrance) context.tell(`It does not read that file as it is set up: ${link.hindrance}.`);
	return 0;
}

/** `models auth write-back off`: keeps a program in step no longer. */
export async function runWriteBackOff(context: CommandContext): Promise<number> {
	const [program = ''] = context.arguments;
	const {label, ownLogin, ...link} = await context.jarvis.switchWriteBackOff({
		program,
		home: textFlag(context, 'home'),
	});
	if (context.flags.json) printJson(context, link);
	else {
		context.tell(`The ${label} in ${link.home} is no longer kept in step with ${link.profileId}.`);
		context.tell(`It goes on with the token that it has until that is over. Then: ${ownLogin}`);
	}
	return 0;
}

/** `models auth write-back list`: the programs that are kept in step. */
export async function runWriteBackList(context: CommandContext): Promise<number> {
	const links = await context.jarvis.writeBacks();
	if (context.flags.json) printJson(context, links);
	else if (links.length === 0) context.print('No program is kept in step.');
	else {
		const rows = links.map(link => [link.program, link.home, link.profileId, link.agentId, linkState(link)]);
		context.print(await textTable(['PROGRAM', 'FOLDER', 'PROFILE', 'AGENT', 'STATE'], rows));
	}
	return 0;
}
