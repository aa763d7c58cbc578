// What the workers' scripts share: the first message is the program's module, compiled already.
export const listen = (init, start) => {
  addEventListener(
    'message',
    async ({ data }) => {
      try {
        await init({ module_or_path: data });
        start();
      } catch (error) {
        postMessage(`it cannot start: ${error.message ?? error}`);
      }
    },
    { once: true },
  );
};
