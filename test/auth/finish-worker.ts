import {openJarvis} from '../../source/core.ts';

process.once('message', async pasted => {
	const jarvis = openJarvis({env: process.env});
	const answer = await jarvis.finishLogin(String(pasted)).catch((error: Error) => ({error: error.message}));
	process.send?.(answer, () => process.exit());
});
