"""Procedural indoor and outdoor scenes with exact geometry and question-answer pairs.

`layout.sample_scene(seed)` -> `render.render([scene, ...])` -> `questions.questions(scene, *maps)`;
`layout.sample_views(seed, count)` shows one world from several viewpoints (`camera`: lenses, how they are held).
`write.write_records(out, count)` does all of it and puts records on disk (`fathom worlds`).
"""
