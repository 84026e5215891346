console.log('exuvia');
