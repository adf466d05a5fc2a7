import {writeBackState} from '../words.ts';
import {type CommandContext, printJson, textFlag} from './command.ts';
import {textTable} from './text.ts';

/** `models auth write-back on`: keeps a program's own login file in step with a profile. */
export async function runWriteBackOn(context: CommandContext): Promise<number> {
	const {jarvis, flags} = context;
	const [program = ''] = context.arguments;
	const {label, ...writeBack} = await jarvis.switchWriteBackOn({
		program,
		home: textFlag(context, 'home'),
		agentId: textFlag(context, 'agent'),
		profileId: textFlag(context, 'profile'),
		replace: flags.replace === true,
	});
	if (flags.json) printJson(context, writeBack);
	else {
		context.tell(
			`The ${label} in ${writeBack.home} is kept in step with ${writeBack.profileId} from now on.`,
		);
		context.tell('It gets each new access token, and never a refresh token: it cannot end the login.');
		if (writeBack.original) context.tell(`The login that stood there is kept in ${writeBack.original}.`);
	}
	if (writeBack.hindrance)
		context.tell(`It does not read that file as it is set up: ${writeBack.hindrance}.`);
	return 0;
}

/** `models auth write-back off`: keeps a program in step no longer. */
export async function runWriteBackOff(context: CommandContext): Promise<number> {
	const [program = ''] = context.arguments;
	const {label, ownLogin, ...writeBack} = await context.jarvis.switchWriteBackOff({
		program,
		home: textFlag(context, 'home'),
	});
	if (context.flags.json) printJson(context, writeBack);
	else {
		context.tell(`The ${label} in ${writeBack.home} is no longer kept in step with ${writeBack.profileId}.`);
		context.tell(`It goes on with the token that it has until that is over. Then: ${ownLogin}`);
	}
	return 0;
}

/** `models auth write-back list`: the programs that are kept in step. */
export async function runWriteBackList(context: CommandContext): Promise<number> {
	const writeBacks = await context.jarvis.writeBacks();
	if (context.flags.json) printJson(context, writeBacks);
	else if (writeBacks.length === 0) context.print('No program is kept in step.');
	else {
		const rows = writeBacks.map(writeBack => [
			writeBack.program,
			writeBack.home,
			writeBack.profileId,
			writeBack.agentId,
			writeBackState(writeBack),
		]);
		context.print(await textTable(['PROGRAM', 'FOLDER', 'PROFILE', 'AGENT', 'STATE'], rows));
	}
	return 0;
}
